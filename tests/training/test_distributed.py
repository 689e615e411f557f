import json
import os
import subprocess
import sys

import pytest
import torch
import yaml
from rich.progress import Progress
from safetensors.torch import load_file

from tests.tiny_models import tiny_dcct
from training.data.training_tracklets import training_tracklets
from training.distributed import ALONE, Processes, joined_processes
from training.run_log import STEPS_FILE
from training.trainer import Trainer


@pytest.fixture
def environment(monkeypatch):
    def change(**variables):
        for name in ("WORLD_SIZE", "RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return change


def test_without_torchrun_there_is_one_process(environment):
    environment()
    with joined_processes("cpu") as processes:
        assert processes == ALONE
        assert processes.alone
        assert processes.writes
        assert processes.gather("value") == ["value"]
        assert processes.any_of(True)
        assert not processes.any_of(False)


def test_half_an_environment_says_what_to_run(environment):
    environment(WORLD_SIZE="2", RANK="0", MASTER_ADDR="127.0.0.1")
    with (
        pytest.raises(
            ValueError,
            match="received no LOCAL_RANK, MASTER_PORT; start with `torchrun --nproc-per-node 2",
        ),
        joined_processes("cpu"),
    ):
        pass


def test_fewer_gpus_than_processes_says_how_many_to_start(environment, monkeypatch):
    """Without GPUs, torch is told that there is one."""
    environment(WORLD_SIZE="2", RANK="1", LOCAL_RANK="1", MASTER_ADDR="127.0.0.1", MASTER_PORT="1")
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    with (
        pytest.raises(
            ValueError,
            match="a GPU for process 1 of this machine, received 1 in all; .*--nproc-per-node 1 ",
        ),
        joined_processes("auto"),
    ):
        pass


@pytest.mark.parametrize(
    ("raised", "received", "message"),
    [
        ("[gloo/pair.cc:561] Connection closed by peer", ConnectionError, "mend what it says in"),
        ("an error of our own", RuntimeError, "^an error of our own$"),
    ],
)
def test_a_process_that_is_left_alone_points_to_the_one_that_failed(
    environment, monkeypatch, raised, received, message
):
    """There is no other process: joining and leaving are left out."""
    environment(WORLD_SIZE="2", RANK="1", LOCAL_RANK="1", MASTER_ADDR="127.0.0.1", MASTER_PORT="1")
    ended = []
    monkeypatch.setattr("torch.distributed.init_process_group", lambda backend: None)
    monkeypatch.setattr("torch.distributed.get_rank", lambda: 1)
    monkeypatch.setattr("torch.distributed.destroy_process_group", lambda: ended.append(True))
    with pytest.raises(received, match=message), joined_processes("cpu"):
        raise RuntimeError(raised)
    assert ended


def test_rank_zero_alone_writes():
    assert [Processes(rank, 2).writes for rank in range(2)] == [True, False]
    assert not Processes(0, 2).alone


@pytest.mark.timeout(600)  # six interpreters load torch one after the other
def test_two_processes_train_what_one_does_and_resume(small_config, drawn_tracklets, tmp_path):
    """Real torchrun over gloo. Batch statistics are frozen: they are the processes' own otherwise.

    What remains is the order of sums: losses agree to 1e-4, weights to 1e-5.
    """
    single, double = (
        small_config(
            name,
            model=tiny_dcct(clip_frames=2),
            losses={"distillation": {}},
            freezing={"batch_norm": True},
            optimizer={"epochs": 1, "steps_per_epoch": 4, "gradient_clip": 5.0},
            device="cpu",
        )
        for name in ("single", "double")
    )
    with Progress(disable=True) as progress:
        tracklets = training_tracklets(single.data, single.run_dir)
        expected = load_file(Trainer(single, tracklets).fit(progress))
    config = tmp_path / "double.yaml"
    config.write_text(yaml.safe_dump(json.loads(double.model_dump_json())))
    first = torchrun("train", config, "--steps", 2)
    assert first.stdout.splitlines() == [str(double.run_dir / "weights.safetensors")]
    assert len(steps(double)) == 2
    torchrun("train", config)
    received = load_file(double.run_dir / "weights.safetensors")
    assert received.keys() == expected.keys()
    for name, tensor in expected.items():
        torch.testing.assert_close(received[name], tensor, rtol=1e-4, atol=1e-5, msg=name)
    assert [line["step"] for line in steps(double)] == [0, 1, 2, 3]
    for line, alone in zip(steps(double), steps(single), strict=True):
        assert line["loss"] == pytest.approx(alone["loss"], abs=1e-4)
        assert line.keys() == alone.keys()


def steps(config):
    return [json.loads(line) for line in (config.run_dir / STEPS_FILE).read_text().splitlines()]


def torchrun(*arguments):
    launcher = ("torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "training")
    finished = subprocess.run(
        [sys.executable, "-m", *launcher, *map(str, arguments)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert finished.returncode == 0, finished.stderr
    return finished
