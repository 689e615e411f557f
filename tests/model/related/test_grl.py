import pytest
import torch
from pydantic import ValidationError
from torch.nn import functional

from model.complexity import measure_complexity
from model.features import embedding
from model.registry import build_model
from model.related.grl import GRL, GRLConfig
from tests.gradient_probe import backward_through, untaught_parameters
from tests.network_laws import (
    assert_a_batch_equals_its_clips,
    assert_compiles_whole,
    assert_forward_leaves_nothing_behind,
    assert_runs_in_bfloat16,
    assert_shapes_match_the_declared_parts,
    clips_of,
    lively_network,
    tensors_of,
)

SMALL = GRLConfig(backbone="test_resnet", height=64, width=32, clip_frames=3)


@pytest.fixture
def network():
    return lively_network(SMALL)


@pytest.fixture(scope="module")
def clips():
    return clips_of(3, 3)


def test_parts_are_in_the_order_of_the_test_feature(network, clips):
    assert_shapes_match_the_declared_parts(network, clips)
    assert network.part_dimensions == {"low": 96, "pooled": 96, "high": 96}
    assert network.embedding_parts == ("low", "pooled", "high")
    assert network.batching_unit == "clip"


def test_the_embedding_joins_low_pooled_and_high(network, clips):
    with torch.inference_mode():
        parts = network(clips).parts
        expected = functional.normalize(
            torch.cat([functional.normalize(parts[name]) for name in ("low", "pooled", "high")], 1)
        )
        torch.testing.assert_close(network.embed(clips), expected)


def test_the_only_frame_level_part_is_high(network, clips):
    with torch.inference_mode():
        features = network(clips)
    assert list(features.frame_globals) == list(features.frame_features) == ["high"]


def test_the_correlation_is_a_weight_of_every_position(network, clips):
    with torch.inference_mode():
        features = network(clips)
        grid = network.backbone(clips.flatten(0, 1)).shape[2:]
    assert list(features.attention_maps) == ["correlation"]
    correlation = features.attention_maps["correlation"]
    assert correlation.shape == (3, 3, *grid)
    assert 0 < correlation.min() < correlation.max() < 1


def test_parts_are_made_of_the_layers_as_the_figure_shows(network, clips):
    with torch.inference_mode():
        features = network(clips)
        maps = torch.stack([network.backbone(clip) for clip in clips])
        correlated = network.correlation(maps)
        learned = network.reciprocal(correlated.high, correlated.low)
        high = torch.stack([functional.normalize(network.high_norm(f)) for f in learned.high])
        pooled = network.temporal_attention(high)
        low = functional.normalize(network.low_norm(learned.low))
    expected = {
        "frame_globals.high": learned.high,
        "frame_features.high": high,
        "tracklet_globals.low": learned.low,
        "tracklet_globals.pooled": pooled,
        "tracklet_globals.high": learned.high.mean(1),
        "parts.low": low,
        "parts.pooled": functional.normalize(pooled),
        "parts.high": high.mean(1),
        "attention_maps.correlation": correlated.correlation,
    }
    torch.testing.assert_close(tensors_of(features), expected)


def test_a_clip_of_one_frame_has_one_high_feature(network, clips):
    with torch.inference_mode():
        parts = network(clips[:, :1]).parts
    torch.testing.assert_close(parts["pooled"], parts["high"])
    torch.testing.assert_close(parts["high"].norm(dim=1), torch.ones(3).double())


def test_any_number_of_frames_will_do(network):
    assert_shapes_match_the_declared_parts(network, clips_of(2, 5))


def test_a_batch_equals_its_clips(network, clips):
    assert_a_batch_equals_its_clips(network, clips)


def test_forward_leaves_nothing_behind(network, clips):
    assert_forward_leaves_nothing_behind(network, clips)


def test_the_order_of_frames_matters_to_every_part(network, clips):
    with torch.inference_mode():
        straight, swapped = network(clips).parts, network(clips[:, [1, 0, 2]]).parts
    for name, part in straight.items():
        assert (swapped[name] - part).abs().max() > 1e-6, name


def test_the_correlation_follows_its_frame(network, clips):
    order = [1, 0, 2]
    with torch.inference_mode():
        straight, swapped = network(clips), network(clips[:, order])
    expected = straight.attention_maps["correlation"][:, order]
    torch.testing.assert_close(swapped.attention_maps["correlation"], expected)


def test_it_compiles_as_one_graph(network, clips):
    assert_compiles_whole(network, clips)


def test_it_runs_in_bfloat16(network, clips):
    assert_runs_in_bfloat16(network, clips)


def test_training_teaches_all_but_the_biases_that_normalisations_remove(network, clips):
    features = network.train()(clips)
    backward_through([*features.frame_features.values(), *features.parts.values()])
    assert untaught_parameters(network, noise=1e-9) == [
        "correlation.summarize.0.bias",
        "correlation.correlate.1.bias",
        "temporal_attention.query.0.bias",
        "temporal_attention.key.0.bias",
    ]


def test_the_correlation_learns_with_the_backbone():
    assert GRL.backbone_modules == ("backbone", "correlation")
    with torch.device("meta"):
        children = dict(build_model(SMALL).named_children())
    assert set(GRL.backbone_modules) < set(children)


@pytest.fixture(scope="module")
def full():
    return measure_complexity(GRLConfig(), convention="true").modules


def test_parameters_are_those_of_the_specification(full):
    params = {name: cost.params for name, cost in full.items()}
    assert params == {
        "backbone": 23_508_032,
        "correlation": 2_100_224 + 3_410_690,
        "reciprocal": 22_564_864,
        "high_norm": 4096,
        "low_norm": 4096,
        "temporal_attention": 2 * 1_050_112,
    }
    assert sum(params.values()) - params["temporal_attention"] == 51_592_002


def test_multiply_accumulates_are_those_of_the_specification(full):
    """The published total has no pooling, whose projections and products over frames are few."""
    gmacs = {name: cost.macs / 1e9 for name, cost in full.items() if cost.macs}
    assert gmacs == {
        "backbone": pytest.approx(32.43, abs=5e-3),
        "correlation": pytest.approx(3.49, abs=5e-3),
        "reciprocal": pytest.approx(22.02, abs=5e-3),
        "temporal_attention": pytest.approx(0.017, abs=5e-4),
    }
    assert sum(gmacs.values()) - gmacs["temporal_attention"] == pytest.approx(57.94, abs=5e-3)


def test_the_embedding_is_normalised(network, clips):
    with torch.inference_mode():
        norms = embedding(network(clips).parts).norm(dim=1)
    torch.testing.assert_close(norms, torch.ones(3).double())


def test_a_transformer_is_refused():
    with pytest.raises(ValueError, match="expected a CNN, .* received 'test_vit'"):
        build_model(GRLConfig(backbone="test_vit"))


def test_an_unknown_key_is_refused():
    with pytest.raises(ValidationError, match="backbnoe"):
        GRLConfig(backbnoe="resnet18")
