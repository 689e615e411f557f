import os
import random
import resource
import signal
import time
from contextlib import contextmanager

import pytest
import torch
from torch.optim import SGD

from model.registry import build_model
from model.weights import open_network
from tests.tiny_models import tiny_dcct
from training.checkpoint import (
    RunOrigin,
    TrainingState,
    checkpoint_content,
    resume_checkpoint,
)
from training.optim import build_schedule
from training.optim_config import OptimizerConfig
from training.precision import Precision
from training.run_files import RunFiles

ORIGIN = RunOrigin("{}", "data")
MARK = "cnn.network.conv_stem.weight"


@pytest.fixture
def state():
    network = build_model(tiny_dcct(spatial="gap", temporal="tap"))
    optimizer = SGD(network.parameters(), lr=0.1)
    schedule = build_schedule(optimizer, OptimizerConfig(), steps_per_epoch=1)
    precision = Precision("fp32", torch.device("cpu"))
    return TrainingState(network, torch.nn.Linear(2, 2), optimizer, schedule, precision)


@pytest.fixture
def files(tmp_path):
    return RunFiles(tmp_path)


def save(files, state, *, step):
    """A checkpoint whose weights tell its step."""
    torch.nn.init.constant_(state.network.get_parameter(MARK), float(step))
    files.save(checkpoint_content(state, ORIGIN, step=step), state.network)


def saved_step(files, state):
    step = resume_checkpoint(files.checkpoint, state, ORIGIN)
    assert torch.all(state.network.get_parameter(MARK) == step)
    return step


def step_of_weights(files):
    return int(open_network(files.weights).get_parameter(MARK).flatten()[0])


@contextmanager
def files_no_larger_than(limit_bytes):
    """Writes beyond the limit fail, as they do on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_checkpoint_and_weights_are_of_one_step(files, state):
    save(files, state, step=3)
    assert saved_step(files, state) == step_of_weights(files) == 3


@pytest.mark.parametrize("limit_bytes", [10_000, 1_800_000])
def test_a_full_disk_leaves_the_last_checkpoint_and_nothing_else(files, state, limit_bytes):
    save(files, state, step=1)
    names = sorted(path.name for path in files.run_dir.iterdir())
    limit_bytes = min(limit_bytes, files.checkpoint.stat().st_size - 1000)
    with (
        files_no_larger_than(limit_bytes),
        pytest.raises(
            OSError,
            match=r"expected to write a checkpoint of about \d+\.\d MB into .*, where "
            r"\d+\.\d MB are free, received: .*; the last one is whole: make room .* to go on",
        ),
    ):
        save(files, state, step=2)
    assert sorted(path.name for path in files.run_dir.iterdir()) == names
    assert saved_step(files, state) == step_of_weights(files) == 1
    save(files, state, step=2)
    assert saved_step(files, state) == 2


def test_a_disk_that_was_full_from_the_start_says_so(files, state):
    with files_no_larger_than(10_000), pytest.raises(OSError, match="there is none yet: make room"):
        save(files, state, step=1)
    assert list(files.run_dir.iterdir()) == []


def test_weights_alone_need_room_too(files, state):
    with files_no_larger_than(10_000), pytest.raises(OSError, match="expected to write"):
        files.save_weights(state.network)


def test_a_kill_at_any_moment_leaves_whole_files(files, state):
    """Weights may be one save ahead: they are renamed first, and resuming writes them again."""
    save(files, state, step=0)
    chooser = random.Random(0)
    last = 0
    for _ in range(6):
        writer = os.fork()
        if writer == 0:
            step = last
            while True:
                step += 1
                save(files, state, step=step)
        time.sleep(chooser.uniform(0.05, 0.6))
        os.kill(writer, signal.SIGKILL)
        os.waitpid(writer, 0)
        reached = saved_step(files, state)
        assert reached >= last
        assert step_of_weights(files) in (reached, reached + 1)
        last = reached
    assert last > 0


def test_the_configuration_is_kept_beside(files):
    files.write_config('{"seed": 0}')
    assert (files.run_dir / "config.json").read_text() == '{"seed": 0}\n'
