import pytest
import torch
from torch.nn import functional

from model.layers.temporal_self_attention import TemporalSelfAttention
from tests.gradient_probe import backward_through, untaught_parameters
from tests.network_laws import enliven_norm


@pytest.fixture
def attention():
    torch.manual_seed(0)
    module = TemporalSelfAttention(16).double().eval()
    enliven_norm(module.query[1])
    enliven_norm(module.key[1])
    return module


@pytest.fixture
def frames():
    return torch.randn(3, 5, 16, generator=torch.Generator().manual_seed(1)).double()


def test_it_equals_a_loop_over_frames(attention, frames):
    for clip, pooled in zip(frames, attention(frames), strict=True):
        query = functional.normalize(attention.query(clip), dim=1)
        key = functional.normalize(attention.key(clip), dim=1)
        expected = torch.zeros(16).double()
        for asking in query:
            weights = torch.exp(key @ asking)
            expected += sum(w * f for w, f in zip(weights / weights.sum(), clip, strict=True))
        torch.testing.assert_close(pooled, expected)


def test_equal_keys_pool_to_the_sum_of_frames(attention, frames):
    torch.nn.init.zeros_(attention.key[0].weight)
    torch.testing.assert_close(attention(frames), frames.sum(1))


def test_a_single_frame_is_itself(attention, frames):
    torch.testing.assert_close(attention(frames[:, :1]), frames[:, 0])


def test_the_order_of_frames_does_not_matter(attention, frames):
    torch.testing.assert_close(attention(frames[:, [3, 1, 4, 0, 2]]), attention(frames))


def test_a_batch_equals_its_clips(attention, frames):
    alone = torch.cat([attention(clip[None]) for clip in frames])
    torch.testing.assert_close(attention(frames), alone)


def test_two_projections_of_the_width_of_a_resnet50_and_no_third():
    """The reference's head has 3,158,530: a third projection, and the pair verification."""
    with torch.device("meta"):
        module = TemporalSelfAttention(2048)
    third, verification = 2048 * 512 + 512 + 2 * 512, 2 * 2048 + 2 * 2048 + 2
    count = sum(p.numel() for p in module.parameters())
    assert count == 3_158_530 - third - verification == 2_100_224


def test_training_teaches_all_but_the_biases_that_the_normalisation_removes(attention, frames):
    backward_through([attention.train()(frames)])
    assert untaught_parameters(attention, noise=1e-12) == ["query.0.bias", "key.0.bias"]
