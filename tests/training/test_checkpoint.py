import pickle

import pytest
import torch
from torch import nn
from torch.optim import SGD
from torch.optim.lr_scheduler import LambdaLR

from training.checkpoint import RunOrigin, TrainingState, resume_checkpoint, save_checkpoint

ORIGIN = RunOrigin("{}", "data")


def state():
    network, heads = nn.Linear(3, 2), nn.Linear(2, 2)
    optimizer = SGD(network.parameters(), lr=0.1, momentum=0.9)
    return TrainingState(network, heads, optimizer, LambdaLR(optimizer, lambda step: 0.5**step))


def take_step(training):
    training.optimizer.zero_grad()
    training.network(torch.ones(1, 3)).sum().backward()
    training.optimizer.step()
    training.schedule.step()


def test_everything_comes_back_random_numbers_included(tmp_path):
    path = tmp_path / "checkpoint.pt"
    saved, restored = state(), state()
    take_step(saved)
    save_checkpoint(path, saved, ORIGIN, step=7)
    expected = torch.rand(3)
    assert resume_checkpoint(path, restored, ORIGIN) == 7
    assert torch.equal(torch.rand(3), expected)
    take_step(saved)
    take_step(restored)
    assert torch.equal(saved.network.weight, restored.network.weight)
    assert saved.schedule.get_last_lr() == restored.schedule.get_last_lr()
    assert torch.equal(saved.heads.weight, restored.heads.weight)


def test_another_configuration_is_refused_with_the_difference(tmp_path):
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, state(), RunOrigin('{\n "seed": 0\n}', "data"), step=1)
    with pytest.raises(ValueError, match='received another one \\("seed": 0 → "seed": 1\\)'):
        resume_checkpoint(path, state(), RunOrigin('{\n "seed": 1\n}', "data"))


def test_a_pickle_that_would_run_code_is_refused(tmp_path):
    class Attack:
        def __reduce__(self):
            return (print, ("attacked",))

    path = tmp_path / "checkpoint.pt"
    path.write_bytes(pickle.dumps(Attack(), protocol=2))
    with pytest.raises(ValueError, match="expected a checkpoint at"):
        resume_checkpoint(path, state(), ORIGIN)


def test_a_torn_file_is_refused(tmp_path):
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, state(), ORIGIN, step=1)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match="delete it to start the run from its beginning"):
        resume_checkpoint(path, state(), ORIGIN)


def test_other_data_is_refused(tmp_path):
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, state(), ORIGIN, step=1)
    with pytest.raises(ValueError, match="expected the tracklets that"):
        resume_checkpoint(path, state(), RunOrigin("{}", "other"))


def test_a_foreign_file_is_refused(tmp_path):
    path = tmp_path / "checkpoint.pt"
    torch.save({"state_dict": {}}, path)
    with pytest.raises(ValueError, match="expected a checkpoint at"):
        resume_checkpoint(path, state(), ORIGIN)
