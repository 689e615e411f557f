import pytest
import torch

from model.layers.lstm_aggregation import LstmAggregation
from tests.gradient_probe import backward_through, untaught_parameters


@pytest.fixture
def aggregation():
    torch.manual_seed(0)
    return LstmAggregation(5).double()


@pytest.fixture
def frames():
    return torch.randn(3, 4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def test_the_clip_feature_is_the_mean_of_the_hidden_states(aggregation, frames):
    weights = aggregation.lstm
    hidden = cell = torch.zeros(3, 5, dtype=torch.float64)
    states = []
    for frame in frames.unbind(1):
        gates = frame @ weights.weight_ih_l0.T + hidden @ weights.weight_hh_l0.T
        gates = gates + weights.bias_ih_l0 + weights.bias_hh_l0
        enter, forget, candidate, leave = gates.chunk(4, dim=1)
        cell = forget.sigmoid() * cell + enter.sigmoid() * candidate.tanh()
        hidden = leave.sigmoid() * cell.tanh()
        states.append(hidden)
    torch.testing.assert_close(aggregation(frames), torch.stack(states).mean(0))


def test_the_clip_feature_is_as_wide_as_a_frame(aggregation, frames):
    assert aggregation.dimension == 5
    assert aggregation(frames).shape == (3, 5)
    assert aggregation(frames[:, :1]).shape == (3, 5)


def test_branches_are_coupled_column_by_column(aggregation, frames):
    branches = frames.split([3, 2], dim=2)
    assert torch.equal(aggregation(*branches), aggregation(frames))


def test_the_order_of_frames_matters(aggregation, frames):
    assert not torch.allclose(aggregation(frames), aggregation(frames.flip(1)))


def test_a_batch_of_clips_equals_its_clips_one_by_one(aggregation, frames):
    alone = torch.cat([aggregation(clip[None]) for clip in frames])
    torch.testing.assert_close(aggregation(frames), alone)


def test_every_parameter_learns(aggregation, frames):
    backward_through([aggregation(frames)])
    assert untaught_parameters(aggregation, noise=1e-9) == []
