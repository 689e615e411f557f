import pickle

import pytest
import torch
from torch import nn
from torch.optim import SGD
from torch.optim.lr_scheduler import LambdaLR

from model.registry import build_model
from tests.tiny_models import tiny_dcct
from training.checkpoint import (
    RunOrigin,
    TrainingState,
    checkpoint_content,
    resume_checkpoint,
)
from training.distributed import Processes
from training.exponential_average import ExponentialAverage
from training.precision import Precision

ORIGIN = RunOrigin("{}", "data")


def state(**parts):
    network, objective = nn.Linear(3, 2), nn.Linear(2, 2)
    optimizer = SGD(network.parameters(), lr=0.1, momentum=0.9)
    schedule = LambdaLR(optimizer, lambda step: 0.5**step)
    precision = Precision("fp16", torch.device("cpu"))
    return TrainingState(network, objective, optimizer, schedule, precision, **parts)


def save(path, training, origin=ORIGIN, *, step=1):
    torch.save(checkpoint_content(training, origin, step=step), path)
    return path


def take_step(training):
    training.optimizer.zero_grad()
    training.network(torch.ones(1, 3)).sum().backward()
    training.optimizer.step()
    training.schedule.step()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "checkpoint.pt"


def test_everything_comes_back_random_numbers_included(path):
    saved, restored = state(), state()
    take_step(saved)
    scaler = saved.precision.scaler
    scaler.load_state_dict({**scaler.state_dict(), "scale": 8.0})
    save(path, saved, step=7)
    expected = torch.rand(3)
    assert resume_checkpoint(path, restored, ORIGIN) == 7
    assert torch.equal(torch.rand(3), expected)
    take_step(saved)
    take_step(restored)
    assert torch.equal(saved.network.weight, restored.network.weight)
    assert saved.schedule.get_last_lr() == restored.schedule.get_last_lr()
    assert torch.equal(saved.objective.weight, restored.objective.weight)
    assert restored.precision.scaler.state_dict() == saved.precision.scaler.state_dict()


def test_the_moving_average_comes_back(path):
    network = build_model(tiny_dcct(spatial="gap", temporal="tap"))
    saved, restored = (state(average=ExponentialAverage(network, 0.9)) for _ in range(2))
    nn.init.ones_(network.cnn.network.conv_stem.weight)
    saved.average.update(network)
    save(path, saved)
    resume_checkpoint(path, restored, ORIGIN)
    assert restored.average.updates == 1
    name = "cnn.network.conv_stem.weight"
    averages = [training.average.network.state_dict()[name] for training in (saved, restored)]
    assert torch.equal(*averages)
    assert not torch.equal(averages[0], network.state_dict()[name])


def test_another_configuration_is_refused_with_every_difference(path):
    save(path, state(), RunOrigin('{"seed": 0, "optimizer": {"name": "sgd"}}', "data"))
    changed = RunOrigin('{"seed": 1, "optimizer": {"name": "adam"}}', "data")
    with pytest.raises(
        ValueError,
        match="received another one:\n  optimizer.name: 'sgd' → 'adam'\n  seed: 0 → 1\nrestore it",
    ):
        resume_checkpoint(path, state(), changed)


def test_keys_without_effect_may_change(path):
    save(path, state(), RunOrigin('{"run_dir": "a"}', "data"), step=2)
    assert resume_checkpoint(path, state(), RunOrigin('{"run_dir": "b"}', "data")) == 2


def test_other_data_is_refused(path):
    save(path, state())
    with pytest.raises(ValueError, match="expected the tracklets that .*; restore the data set"):
        resume_checkpoint(path, state(), RunOrigin("{}", "other"))


def test_another_number_of_processes_is_refused(path):
    save(path, state())
    with pytest.raises(ValueError, match="expected the 1 processes .* received 2.*per-node 1"):
        resume_checkpoint(path, state(), ORIGIN, processes=Processes(0, 2))


def test_a_pickle_that_would_run_code_is_refused(path):
    class Attack:
        def __reduce__(self):
            return (print, ("attacked",))

    path.write_bytes(pickle.dumps(Attack(), protocol=2))
    with pytest.raises(ValueError, match="expected a checkpoint at"):
        resume_checkpoint(path, state(), ORIGIN)


def test_a_torn_file_is_refused(path):
    save(path, state())
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match="delete it to start the run from its beginning"):
        resume_checkpoint(path, state(), ORIGIN)


@pytest.mark.parametrize("content", [{"state_dict": {}}, torch.zeros(1)])
def test_a_foreign_file_is_refused(path, content):
    torch.save(content, path)
    with pytest.raises(ValueError, match="expected a checkpoint at .*; delete it"):
        resume_checkpoint(path, state(), ORIGIN)
