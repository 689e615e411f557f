import pytest
import torch

from model.registry import build_model
from model.related.temporal_pooling import TemporalPoolingConfig
from tests.gradient_probe import backward_through, untaught_parameters
from tests.network_laws import (
    assert_a_batch_equals_its_clips,
    assert_compiles_whole,
    assert_forward_leaves_nothing_behind,
    assert_runs_in_bfloat16,
    assert_same_features,
    assert_shapes_match_the_declared_parts,
    clips_of,
    lively_network,
)

SIZE = {"height": 64, "width": 32}
CNN = {**SIZE, "backbone": "test_resnet"}
TRANSFORMER = {**SIZE, "architecture": "transformer", "backbone": "test_vit"}
BACKBONES = {"cnn": CNN, "transformer": TRANSFORMER}


def configured(backbone, **changes):
    return TemporalPoolingConfig.model_validate({**BACKBONES[backbone], **changes})


@pytest.fixture(params=BACKBONES)
def backbone(request):
    return request.param


@pytest.fixture(params=["mean", "max"])
def network(request, backbone):
    return lively_network(configured(backbone, pooling=request.param))


@pytest.fixture(scope="module")
def clips():
    return clips_of(3, 3)


def test_the_frame_is_the_only_part(network, clips):
    assert_shapes_match_the_declared_parts(network, clips)
    with torch.inference_mode():
        features = network(clips)
    assert list(features.frame_features) == list(features.parts) == ["frame"]
    assert not features.attention_maps


def test_a_batch_equals_its_clips(network, clips):
    assert_a_batch_equals_its_clips(network, clips)


def test_forward_leaves_nothing_behind(network, clips):
    assert_forward_leaves_nothing_behind(network, clips)


def test_the_order_of_frames_does_not_matter(network, clips):
    order = [2, 0, 1]
    with torch.inference_mode():
        straight, shuffled = network(clips), network(clips[:, order])
    torch.testing.assert_close(shuffled.parts, straight.parts)
    torch.testing.assert_close(
        shuffled.frame_features["frame"], straight.frame_features["frame"][:, order]
    )


def test_a_repeated_frame_pools_to_itself(network, clips):
    with torch.inference_mode():
        once = network(clips[:, :1])
        repeated = network(clips[:, [0, 0, 0]])
    torch.testing.assert_close(repeated.parts, once.parts)
    torch.testing.assert_close(once.parts["frame"], once.frame_features["frame"][:, 0])


def test_it_compiles_as_one_graph(backbone, clips):
    assert_compiles_whole(lively_network(configured(backbone)), clips)


def test_it_runs_in_bfloat16(network, clips):
    assert_runs_in_bfloat16(network, clips)


def test_training_teaches_every_parameter(network, clips):
    features = network.train()(clips)
    backward_through([*features.frame_globals.values(), *features.frame_features.values()])
    assert untaught_parameters(network, noise=1e-9) == []


def test_the_mean_is_that_of_single_frames(backbone, clips):
    network = lively_network(configured(backbone))
    assert network.batching_unit == "frame"
    with torch.inference_mode():
        frames = network.frame_parts(clips.flatten(0, 1))["frame"].unflatten(0, (3, 3))
        features = network(clips)
        necked = network.neck(features.tracklet_globals["frame"])
    torch.testing.assert_close(frames, features.frame_features["frame"])
    torch.testing.assert_close(frames.mean(1), features.parts["frame"])
    torch.testing.assert_close(necked, features.parts["frame"])


def test_the_maximum_is_that_of_frame_features(backbone, clips):
    network = lively_network(configured(backbone, pooling="max"))
    with torch.inference_mode():
        features = network(clips)
    expected = features.frame_features["frame"].max(dim=1).values
    torch.testing.assert_close(features.parts["frame"], expected)
    expected = features.frame_globals["frame"].max(dim=1).values
    torch.testing.assert_close(features.tracklet_globals["frame"], expected)


def test_a_maximum_has_no_parts_of_single_frames(clips):
    network = lively_network(configured("cnn", pooling="max"))
    assert network.batching_unit == "clip"
    with pytest.raises(ValueError, match="expected a model whose embedding is a mean over frames"):
        network.frame_parts(clips[0])


def test_pooling_changes_no_weight(clips):
    mean, maximum = (lively_network(configured("cnn", pooling=kind)) for kind in ("mean", "max"))
    maximum.load_state_dict(mean.state_dict())
    with torch.inference_mode():
        features = mean(clips)
        other = maximum(clips)
    pooled = {"tracklet_globals": other.tracklet_globals, "parts": other.parts}
    assert_same_features(features._replace(**pooled), other)


def test_a_frame_of_a_cnn_is_the_mean_of_its_map(clips):
    network = lively_network(configured("cnn"))
    with torch.inference_mode():
        expected = network.backbone(clips[0]).mean(dim=(2, 3))
        received = network(clips[:1]).frame_globals["frame"][0]
    torch.testing.assert_close(received, expected)


def test_a_frame_of_a_vit_is_its_class_token(clips):
    network = lively_network(configured("transformer"))
    with torch.inference_mode():
        expected = network.backbone(clips[0]).class_token
        received = network(clips[:1]).frame_globals["frame"][0]
    torch.testing.assert_close(received, expected)


def test_a_frame_without_class_token_is_the_mean_of_its_patches():
    swin = "swin_tiny_patch4_window7_224"
    config = TemporalPoolingConfig(
        architecture="transformer", backbone=swin, height=64, width=64, clip_frames=1
    )
    network = build_model(config).eval()
    frames = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        expected = network.backbone(frames).patches.mean(dim=1)
        received = network(frames[None]).frame_globals["frame"][0]
    torch.testing.assert_close(received, expected)


def test_the_backbone_learns_at_its_own_rate():
    with torch.device("meta"):
        children = dict(build_model(configured("cnn")).named_children())
    assert children.keys() - {*build_model(configured("cnn")).backbone_modules} == {"neck"}


@pytest.mark.parametrize(
    ("architecture", "backbone", "message"),
    [
        ("cnn", "test_vit", "expected a CNN, which takes frames of any size"),
        ("transformer", "test_resnet", "expected a Transformer"),
    ],
)
def test_a_backbone_of_the_other_architecture_is_refused(architecture, backbone, message):
    config = TemporalPoolingConfig(architecture=architecture, backbone=backbone, **SIZE)
    with pytest.raises(ValueError, match=message):
        build_model(config)


def test_stochastic_depth_of_a_cnn_is_refused():
    with pytest.raises(
        ValueError, match="expected no drop_path with architecture cnn, received 0.1"
    ):
        configured("cnn", drop_path=0.1)


def test_stochastic_depth_reaches_the_transformer():
    network = build_model(configured("transformer", drop_path=0.2))
    assert network.backbone.network.blocks[-1].drop_path1.drop_prob == pytest.approx(0.2)
