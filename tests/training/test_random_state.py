import pytest
import torch

from training.random_state import RandomState


def test_the_same_numbers_follow_a_restored_state():
    state = RandomState.now()
    expected = torch.rand(3)
    state.restore()
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize(("there", "restored"), [(1, [1]), (2, [1, 2]), (3, [1, 2])])
def test_states_of_gpus_that_are_not_there_are_left_out(monkeypatch, there, restored):
    """Without GPUs, torch is told that there are some."""
    received = []
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: there)
    monkeypatch.setattr("torch.cuda.set_rng_state_all", received.extend)
    gpus = (torch.tensor(1), torch.tensor(2))
    RandomState(torch.get_rng_state(), gpus).restore()
    assert [int(state) for state in received] == restored
