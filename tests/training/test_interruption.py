import signal
import subprocess
import sys
import threading
import time

import pytest
import torch
import yaml
from rich.progress import Progress
from safetensors.torch import load_file

from training.interruption import StopRequest, TrainingInterruptedError, stop_on_signals
from training.trainer import Trainer


class Interrupting(Progress):
    """Sends a signal to the run that it shows, in the middle of a step."""

    def __init__(self, number, *, at_step):
        super().__init__(disable=True)
        self.number, self.at_step, self.updates = number, at_step, 0

    def update(self, *arguments, **fields):
        self.updates += 1
        if self.updates == self.at_step:
            signal.raise_signal(self.number)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_run_goes_on_as_if_nothing_had_happened(
    small_config, drawn_tracklets, number, status
):
    whole, cut = (
        small_config(
            name, checkpoint_every_steps=100, optimizer={"epochs": 1, "steps_per_epoch": 4}
        )
        for name in ("whole", "cut")
    )
    with Progress(disable=True) as progress:
        expected = load_file(Trainer(whole, drawn_tracklets).fit(progress))
        with (
            Interrupting(number, at_step=3) as interrupting,
            pytest.raises(TrainingInterruptedError, match="after 3 steps, which are") as stopped,
        ):
            Trainer(cut, drawn_tracklets).fit(interrupting)
        assert stopped.value.exit_status == status
        received = load_file(Trainer(cut, drawn_tracklets).fit(progress))
    assert all(torch.equal(received[name], tensor) for name, tensor in expected.items())


@pytest.fixture
def interruptible():
    """SIGINT raises, also where a shell that runs the tests in the background ignores it."""
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, handler)


@pytest.mark.usefixtures("interruptible")
def test_the_second_signal_does_what_it_always_did():
    before = signal.getsignal(signal.SIGINT)
    with stop_on_signals() as stop:
        signal.raise_signal(signal.SIGINT)
        assert stop.number == signal.SIGINT
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_handlers_are_put_back_after_an_error():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(ValueError, match="broken"), stop_on_signals():
        raise ValueError("broken")
    assert signal.getsignal(signal.SIGTERM) is before


def test_other_threads_do_without():
    noted = []

    def enter():
        with stop_on_signals() as stop:
            noted.append(stop.number)

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert noted == [None]


def test_a_process_that_was_not_told_itself_says_terminated():
    assert TrainingInterruptedError(StopRequest(), step=1).exit_status == 143


def test_a_real_process_saves_its_step_and_exits_with_the_signals_status(small_config, tmp_path):
    config = small_config(
        checkpoint_every_steps=100_000, optimizer={"epochs": 1, "steps_per_epoch": 100_000}
    )
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(config.model_dump(mode="json")))
    process = subprocess.Popen(
        [sys.executable, "-m", "training", "train", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    log = config.run_dir / "steps.jsonl"
    while process.poll() is None and not (log.exists() and log.read_text().count("\n") >= 2):
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 143, errors
    done = log.read_text().count("\n")
    assert f"stopped by SIGTERM after {done} steps" in " ".join(errors.split())
    stored = torch.load(config.run_dir / "checkpoint.pt", weights_only=True)
    assert stored["step"] == done
