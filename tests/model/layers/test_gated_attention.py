import pytest
import torch

from model.layers.gated_attention import GatedAttention
from tests.gradient_probe import backward_through, untaught_parameters
from tests.parameter_count import all_parameters, profiled_parameters

TRACKLETS, FRAMES, DIMENSION, CLIP_DIMENSION = 3, 4, 6, 10


@pytest.fixture
def attention():
    torch.manual_seed(0)
    attention = GatedAttention(DIMENSION, clip_dimension=CLIP_DIMENSION).double()
    torch.nn.init.normal_(attention.norm.weight)
    torch.nn.init.normal_(attention.norm.bias)
    attention.norm.running_mean.normal_()
    attention.norm.running_var.uniform_(0.5, 2)
    return attention.eval()


@pytest.fixture
def frames():
    generator = torch.Generator().manual_seed(1)
    shape = (TRACKLETS, FRAMES, DIMENSION)
    return torch.randn(shape, dtype=torch.float64, generator=generator) * 2


@pytest.fixture
def clip():
    generator = torch.Generator().manual_seed(2)
    return torch.randn(TRACKLETS, CLIP_DIMENSION, dtype=torch.float64, generator=generator) * 2


def force(attention, *, gate):
    """Every gate wide open (1) or shut (0), whatever is seen."""
    torch.nn.init.zeros_(attention.gate.weight)
    torch.nn.init.constant_(attention.gate.bias, torch.inf if gate else -torch.inf)


def test_the_gate_is_the_equations_written_out(attention, frames, clip):
    norm, expected = attention.norm, torch.empty_like(frames)
    for tracklet in range(TRACKLETS):
        decoupled = attention.decouple.weight @ clip[tracklet]
        for frame in range(FRAMES):
            x = frames[tracklet, frame]
            e = (x * decoupled - norm.running_mean) / torch.sqrt(norm.running_var + norm.eps)
            score = attention.gate.weight @ (e * norm.weight + norm.bias) + attention.gate.bias
            gate = 1 / (1 + torch.exp(-score))
            expected[tracklet, frame] = gate * x + (1 - gate) * decoupled
    torch.testing.assert_close(attention(frames, clip), expected)


def test_an_open_gate_leaves_the_frames_as_they_are(attention, frames, clip):
    force(attention, gate=1)
    assert torch.equal(attention(frames, clip), frames)


def test_a_shut_gate_makes_every_frame_the_decoupled_clip(attention, frames, clip):
    force(attention, gate=0)
    decoupled = clip @ attention.decouple.weight.T
    torch.testing.assert_close(attention(frames, clip), decoupled[:, None].expand_as(frames))


def test_a_gated_frame_lies_between_itself_and_the_decoupled_clip(attention, frames, clip):
    gated, decoupled = attention(frames, clip), attention.decouple(clip)[:, None]
    assert (gated > torch.minimum(frames, decoupled)).all()
    assert (gated < torch.maximum(frames, decoupled)).all()


def test_in_training_every_frame_is_a_row_of_the_normalisation(attention, frames, clip):
    torch.nn.init.zeros_(attention.norm.running_mean)
    attention.train()(frames, clip)
    rows = (frames * attention.decouple(clip)[:, None]).flatten(0, 1)
    torch.testing.assert_close(attention.norm.running_mean, attention.norm.momentum * rows.mean(0))


def test_the_order_of_frames_moves_the_outputs_along(attention, frames, clip):
    order = torch.tensor([2, 0, 3, 1])
    torch.testing.assert_close(attention(frames[:, order], clip), attention(frames, clip)[:, order])


def test_a_batch_of_clips_equals_its_clips_one_by_one(attention, frames, clip):
    alone = [attention(frames[i : i + 1], clip[i : i + 1]) for i in range(TRACKLETS)]
    torch.testing.assert_close(attention(frames, clip), torch.cat(alone))


def test_every_parameter_learns(attention, frames, clip):
    backward_through([attention.train()(frames, clip)])
    assert untaught_parameters(attention, noise=1e-9) == []


@pytest.mark.parametrize("dimension", [768, 2048])
def test_parameter_count(dimension):
    with torch.device("meta"):
        attention = GatedAttention(dimension, clip_dimension=2816)
    expected = 2816 * dimension + (dimension**2 + dimension) + 2 * dimension
    assert all_parameters(attention) == profiled_parameters(attention) == expected
