import numpy as np
import pytest
import torch

from model.normalization import FrameNormalization
from model.registry import build_model, parse_config
from tests.tiny_models import TINY_CNN, TINY_TRANSFORMER, tiny_dcct
from training.visualize.attention import activation_energy, explain_clip, identity_free_grad_cam
from training.visualize.frame_weights import weigh_frames

CCA_ROWS = [
    f"CCA, {branch} branch, {head} head"
    for branch in ("CNN", "Transformer")
    for head in ("self", "cross")
]


def built(config):
    torch.manual_seed(0)
    return build_model(config).eval()


def clip(frames=4, height=64, width=32):
    generator = np.random.default_rng(0)
    return generator.integers(0, 256, (frames, height, width, 3), dtype=np.uint8)


def titles(rows):
    return [row.title for row in rows]


def test_every_part_of_a_whole_dcct_is_shown():
    network = built(tiny_dcct())
    seen = explain_clip(network, clip())
    assert titles(seen.heat) == [
        "CNN activation",
        "CNN Grad-CAM, identity-free",
        "Transformer attention rollout (class token)",
        *CCA_ROWS,
    ]
    assert titles(seen.weights) == [
        "HTA weight of the frame",
        "HTA gate (cnn, layer 1)",
        "HTA gate (transformer, layer 1)",
    ]
    assert seen.notes == ()
    assert all(len(row.maps) == 4 and (row.maps >= 0).all() for row in seen.heat)


def test_content_attention_is_what_the_model_returns():
    network = built(tiny_dcct())
    seen = {row.title: row.maps for row in explain_clip(network, clip()).heat}
    with torch.inference_mode():
        maps = network(FrameNormalization()(torch.from_numpy(clip()))[None]).attention_maps
    for title, name in zip(
        CCA_ROWS, ("cnn_self", "cnn_cross", "transformer_self", "transformer_cross"), strict=True
    ):
        np.testing.assert_allclose(seen[title], maps[name][0].numpy(), atol=1e-6)
        np.testing.assert_allclose(seen[title].sum((1, 2)), 1, atol=1e-5)


def test_frame_weights_are_of_the_final_part_the_model_returns():
    network = built(tiny_dcct())
    clips = torch.randn(2, 4, 3, 64, 32, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        seen = weigh_frames(network.temporal, *network.temporal_inputs(clips))
        final = network(clips).tracklet_globals["final"]
    torch.testing.assert_close(seen.clip, final, atol=1e-5, rtol=0)


def test_one_frame_weighs_everything():
    seen = explain_clip(built(tiny_dcct()), clip(frames=1))
    np.testing.assert_allclose(seen.weights[0].weights, [1], atol=1e-6)


def test_a_student_says_what_it_does_not_have():
    seen = explain_clip(built(tiny_dcct(spatial="gap", temporal="tap")), clip())
    assert titles(seen.heat)[-1] == "Transformer attention rollout (class token)"
    assert seen.weights == ()
    assert "plain means over a frame's positions" in seen.notes[0]
    assert "no Hierarchical Temporal Aggregation" in seen.notes[1]


def test_self_attention_pooling_is_called_so():
    seen = explain_clip(built(tiny_dcct(spatial="sap", temporal="tap")), clip())
    assert titles(seen.heat)[-2:] == [
        "Self-attention pooling, CNN branch",
        "Self-attention pooling, Transformer branch",
    ]


def test_a_transformer_of_windows_is_refused_inside_the_figure():
    config = tiny_dcct(
        transformer="swin_tiny_patch4_window7_224", height=224, width=224, temporal="tap"
    )
    seen = explain_clip(built(config), clip(1, 224, 224))
    assert titles(seen.heat)[2:] == CCA_ROWS
    assert seen.notes[0].startswith("No attention rollout: expected a ViT or DeiT")


@pytest.mark.parametrize(
    ("config", "shown", "note"),
    [
        (
            {"kind": "grl", "backbone": TINY_CNN},
            ["CNN activation", "CNN Grad-CAM, identity-free", "GRL correlation map"],
            "no Transformer branch",
        ),
        (
            {"kind": "temporal-pooling", "architecture": "cnn", "backbone": TINY_CNN},
            ["CNN activation", "CNN Grad-CAM, identity-free"],
            "no Transformer branch",
        ),
        (
            {"kind": "temporal-pooling", "architecture": "transformer"}
            | {"backbone": TINY_TRANSFORMER},
            ["Transformer attention rollout (class token)"],
            "no CNN branch",
        ),
        (
            {"kind": "nvan", "backbone": "resnet50"},
            [],
            "non-local blocks mix the frames",
        ),
        (
            {"kind": "ste-nvan", "backbone": "resnet50", "stripes": 2, "clip_frames": 4},
            [],
            "multiple of 4",
        ),
    ],
)
def test_other_models_show_what_they_have_and_say_what_they_lack(config, shown, note):
    network = built(parse_config({"height": 64, "width": 32, "clip_frames": 4, **config}))
    seen = explain_clip(network, clip(frames=3 if config["kind"] == "ste-nvan" else 4))
    assert titles(seen.heat) == shown
    assert any(note in line for line in seen.notes)


def test_frames_of_another_size_are_refused():
    with pytest.raises(ValueError, match=r"64×32 pixels, received shape \(4, 32, 32, 3\)"):
        explain_clip(built(tiny_dcct()), clip(height=32))
    with pytest.raises(ValueError, match=r"at least one frame.*received shape \(0, 64, 32, 3\)"):
        explain_clip(built(tiny_dcct()), clip(frames=0))


def test_activation_energy_is_the_share_of_squares():
    feature_map = torch.tensor([[[[1.0, -2.0]], [[0.0, 1.0]]]])
    torch.testing.assert_close(activation_energy(feature_map), torch.tensor([[[1 / 6, 5 / 6]]]))
    assert (activation_energy(torch.zeros(1, 2, 3, 3)) == 0).all()


def test_identity_free_grad_cam_is_what_autograd_gives():
    feature_map = torch.randn(2, 5, 4, 3, generator=torch.Generator().manual_seed(0))
    feature_map.requires_grad_()
    (feature_map.mean(dim=(2, 3)).square().sum() / 2).backward()
    channel_weights = feature_map.grad.mean(dim=(2, 3), keepdim=True)
    expected = (channel_weights * feature_map).sum(dim=1).relu()
    torch.testing.assert_close(identity_free_grad_cam(feature_map), expected)


def test_explaining_leaves_no_trace_on_the_network():
    network = built(tiny_dcct())
    before = {name: value.clone() for name, value in network.state_dict().items()}
    explain_clip(network, clip())
    assert not any(module._forward_hooks for module in network.modules())
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
