import pytest
import torch

from model.layers.temporal_aggregation import (
    HierarchicalTemporalAggregation,
    TemporalAggregationConfig,
)
from training.visualize.frame_weights import attend_in_the_open, weigh_frames

WIDTHS = (32, 16)
VARIANTS = [
    {},
    {"depth": 1},
    {"depth": 3, "align_dimension": 24, "activation": "gelu"},
    {"gated_attention": False},
    {"aggregated_transformer": False},
    {"temporal_transformers": False},
    {"depth": 1, "gated_attention": False},
]


def aggregation(frames=4, **changes):
    torch.manual_seed(0)
    config = TemporalAggregationConfig.model_validate(changes)
    hta = HierarchicalTemporalAggregation(*WIDTHS, config, clip_frames=frames).eval()
    for parameter in hta.parameters():  # far from the initial, nearly even, attention
        torch.nn.init.normal_(parameter, std=0.4)
    return hta


def branches(clips=2, frames=4):
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(clips, frames, width, generator=generator) for width in WIDTHS]


def flatten_attention(hta):
    """Equal keys: every frame is attended alike."""
    for name, parameter in hta.named_parameters():
        if "query_key_value" in name:
            parameter.data[: 2 * len(parameter) // 3] = 0


@pytest.mark.parametrize("changes", VARIANTS)
@torch.inference_mode()
def test_hta_in_the_open_gives_what_the_module_gives(changes):
    hta = aggregation(**changes)
    torch.testing.assert_close(
        weigh_frames(hta, *branches()).clip, hta(*branches()), atol=1e-5, rtol=1e-5
    )


@torch.inference_mode()
def test_a_block_in_the_open_gives_what_the_block_gives():
    block = aggregation().temporal["cnn"][0]
    attended = attend_in_the_open(block, branches()[0])
    torch.testing.assert_close(attended.frames, block(branches()[0]), atol=1e-5, rtol=0)
    assert attended.attention.shape == (2, 8, 4, 4)
    torch.testing.assert_close(attended.attention.sum(-1), torch.ones(2, 8, 4))


@pytest.mark.parametrize("changes", VARIANTS)
@torch.inference_mode()
def test_weights_sum_to_one_and_differ_between_frames(changes):
    weights = weigh_frames(aggregation(**changes), *branches()).weights
    assert weights.shape == (2, 4)
    assert (weights > 0).all()
    torch.testing.assert_close(weights.sum(1), torch.ones(2))
    assert weights.std(dim=1).min() > 1e-4


@pytest.mark.parametrize("changes", VARIANTS)
@torch.inference_mode()
def test_even_attention_weighs_every_frame_alike(changes):
    hta = aggregation(**changes)
    flatten_attention(hta)
    for gates in hta.gates:
        for gate in gates.children():
            gate.gate.weight.data.zero_()  # a gate that is the same for every frame
    weights = weigh_frames(hta, *branches()).weights
    torch.testing.assert_close(weights, torch.full((2, 4), 0.25))


@torch.inference_mode()
def test_a_single_frame_weighs_everything():
    torch.testing.assert_close(
        weigh_frames(aggregation(), *branches(frames=1)).weights, torch.ones(2, 1)
    )


@torch.inference_mode()
def test_weights_are_those_of_the_rule_written_out():
    hta = aggregation(depth=2, gated_attention=False, aggregated_transformer=False)
    cnn, transformer = branches(clips=1)
    rolled = []
    for name, given in (("cnn", cnn), ("transformer", transformer)):
        rows, mixture = given, torch.eye(4)
        for block in hta.temporal[name]:
            attention = attend_in_the_open(block, rows).attention[0].mean(0)
            mixture = (attention / 2 + torch.eye(4) / 2) @ mixture
            rows = block(rows)
        rolled.append(mixture)
    expected = ((rolled[0] + rolled[1]) / 2).mean(0)
    torch.testing.assert_close(weigh_frames(hta, cnn, transformer).weights[0], expected)


@torch.inference_mode()
def test_a_closed_gate_takes_the_clips_weights_and_an_open_one_its_own():
    hta = aggregation(depth=2, temporal_transformers=False, aggregated_transformer=False)
    for gate in hta.gates[0].children():
        gate.gate.weight.data.zero_()
        gate.gate.bias.data.fill_(-30.0)
    seen = weigh_frames(hta, *branches())
    torch.testing.assert_close(seen.weights, torch.full((2, 4), 0.25))
    assert set(seen.gates) == {"cnn, layer 1", "transformer, layer 1"}
    assert max(gate.max() for gate in seen.gates.values()) < 1e-6


@torch.inference_mode()
def test_a_frame_whose_gates_are_open_weighs_more():
    hta = aggregation(depth=2, temporal_transformers=False, aggregated_transformer=False)
    seen = weigh_frames(hta, *branches())
    kept = torch.stack(list(seen.gates.values())).mean(0)
    torch.testing.assert_close(seen.weights.argsort(1), kept.argsort(1))


@torch.inference_mode()
def test_a_clip_among_others_weighs_as_alone():
    hta = aggregation()
    together = weigh_frames(hta, *branches()).weights
    alone = weigh_frames(hta, *(rows[1:] for rows in branches())).weights
    torch.testing.assert_close(together[1:], alone)


@torch.inference_mode()
def test_an_hta_that_returns_something_else_is_refused():
    hta = aggregation()
    original, hta.forward = hta.forward, lambda *rows: original(*rows) + 1
    with pytest.raises(ValueError, match=r"weights of HTA to give its clip feature within 0.001"):
        weigh_frames(hta, *branches())
