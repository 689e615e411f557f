import math
import re

import numpy as np
import pytest
import torch
from torch.nn import functional

from model.layers.temporal_transformer import HEADS, TemporalTransformer
from tests.gradient_probe import backward_through, untaught_parameters
from tests.parameter_count import all_parameters, profiled_parameters

DIMENSION, FRAMES = 16, 5


def build(*, activation="relu", clip_frames=FRAMES):
    torch.manual_seed(0)
    block = TemporalTransformer(
        DIMENSION, clip_frames=clip_frames, ffn_ratio=0.5, activation=activation
    ).double()
    # Large enough, and norms unlike one and zero, for a part left out of the reference to show.
    with torch.no_grad():
        block.positions.mul_(50)
        block.query_key_value.weight.mul_(5)
    for norm in (block.attention_norm, block.ffn_norm, block.output_norm):
        torch.nn.init.normal_(norm.weight)
        torch.nn.init.normal_(norm.bias)
    return block


@pytest.fixture
def frames():
    generator = torch.Generator().manual_seed(1)
    return torch.randn(3, FRAMES, DIMENSION, dtype=torch.float64, generator=generator) * 3


def reference(block, clip, activate):
    """The block of spec §1.5 for one clip [t, d], one head and one asking frame at a time."""
    x = clip + block.positions[0]
    normal, qkv = layer_norm(x, block.attention_norm), block.query_key_value
    query, key, value = (normal @ qkv.weight.T + qkv.bias).split(DIMENSION, dim=1)
    mixed, width = torch.zeros_like(x), DIMENSION // 8
    for head in range(8):
        columns = slice(head * width, (head + 1) * width)
        for asking in range(len(clip)):
            score = torch.exp(key[:, columns] @ query[asking, columns] / math.sqrt(width))
            mixed[asking, columns] = (score / score.sum()) @ value[:, columns]
    y = x + mixed
    inner = activate(block.expand(layer_norm(y, block.ffn_norm)))
    return layer_norm(y + block.contract(inner), block.output_norm)


def layer_norm(rows, norm):
    centred = rows - rows.mean(1, keepdim=True)
    deviation = torch.sqrt(rows.var(1, unbiased=False, keepdim=True) + norm.eps)
    return centred / deviation * norm.weight + norm.bias


@pytest.mark.parametrize(
    ("activation", "activate"), [("relu", functional.relu), ("gelu", functional.gelu)]
)
def test_the_block_is_the_equations_written_out(activation, activate, frames):
    block = build(activation=activation)
    with torch.no_grad():
        expected = torch.stack([reference(block, clip, activate) for clip in frames])
    torch.testing.assert_close(block(frames), expected)


def test_a_single_frame_attends_to_itself(frames):
    block, clip = build(clip_frames=1), frames[:1, :1]
    placed = clip + block.positions
    value = block.query_key_value(block.attention_norm(placed))[..., 2 * DIMENSION :]
    mixed = placed + value
    inner = block.expand(block.ffn_norm(mixed)).relu()
    torch.testing.assert_close(block(clip), block.output_norm(mixed + block.contract(inner)))


def test_a_batch_of_clips_equals_its_clips_one_by_one(frames):
    block = build()
    torch.testing.assert_close(block(frames), torch.cat([block(clip[None]) for clip in frames]))


def test_without_positions_the_order_of_frames_moves_the_outputs_along(frames):
    block, order = build(), torch.tensor([3, 0, 4, 1, 2])
    assert not torch.allclose(block(frames[:, order]), block(frames)[:, order])
    torch.nn.init.zeros_(block.positions)
    torch.testing.assert_close(block(frames[:, order]), block(frames)[:, order])


def test_positions_at_the_learned_length_are_the_learned_ones(frames):
    block = build()
    with torch.no_grad():
        expected = TemporalTransformer.forward(block, frames)
        block.positions.data, moved = torch.zeros_like(block.positions), block.positions.clone()
        torch.testing.assert_close(block(frames + moved), expected)


@pytest.mark.parametrize("length", [1, 2, 3, 4, 7, 10])
def test_positions_at_another_length_are_interpolated_linearly(length):
    block = build()
    # Frames are intervals of the clip; a frame's place is the middle of its interval.
    places = (np.arange(length) + 0.5) * FRAMES / length - 0.5
    learned = block.positions[0].detach().numpy()
    expected = np.stack(
        [np.interp(places, np.arange(FRAMES), column) for column in learned.T], axis=1
    )
    clip = torch.zeros(1, length, DIMENSION, dtype=torch.float64)
    fixed = build(clip_frames=length)
    fixed.load_state_dict({**block.state_dict(), "positions": torch.from_numpy(expected)[None]})
    torch.testing.assert_close(block(clip), fixed(clip))


@pytest.mark.parametrize("length", [1, 4, 8, 16])
def test_every_number_of_frames_keeps_its_shape_and_leaves_the_positions_alone(length):
    block = build(clip_frames=8)
    before = block.positions.detach().clone()
    clip = torch.randn(2, length, DIMENSION, dtype=torch.float64)
    assert block(clip).shape == (2, length, DIMENSION)
    assert torch.equal(block.positions, before)


@pytest.mark.parametrize("length", [FRAMES, 3])
def test_every_parameter_learns(frames, length):
    block = build()
    backward_through([block(frames[:, :length])])
    assert untaught_parameters(block, noise=1e-9) == []


@pytest.mark.parametrize("dimension", [192, 768, 1280, 1472, 2048, 2816])
def test_parameter_count_of_a_block_at_ratio_a_quarter(dimension):
    with torch.device("meta"):
        block = TemporalTransformer(dimension, clip_frames=8, ffn_ratio=0.25, activation="relu")
    profiled = 3.5 * dimension**2 + 4.25 * dimension
    assert profiled_parameters(block) == profiled
    assert all_parameters(block) == profiled + 6 * dimension + 8 * dimension


def test_positions_start_small():
    torch.manual_seed(0)
    block = TemporalTransformer(512, clip_frames=8, ffn_ratio=0.25, activation="relu")
    assert block.positions.std().item() == pytest.approx(0.02, rel=0.05)


def test_a_width_that_does_not_split_into_the_heads_is_refused():
    message = (
        "expected a width that splits into 8 temporal heads, received 20; "
        "set hta.align_dimension to a multiple of 8"
    )
    assert HEADS == 8
    with pytest.raises(ValueError, match=re.escape(message)):
        TemporalTransformer(20, clip_frames=8, ffn_ratio=0.25, activation="relu")
