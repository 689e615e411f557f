import json
import math

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from training.run_log import STEPS_FILE, TENSORBOARD_FOLDER, RunLog


def test_one_json_line_per_step_is_on_disk_at_once(tmp_path):
    path = tmp_path / STEPS_FILE
    with RunLog(tmp_path, resume_at_step=0) as log:
        log.write(step=0, loss=1.5)
        assert json.loads(path.read_text()) == {"step": 0, "loss": 1.5}


def test_resuming_drops_what_the_checkpoint_does_not_know(tmp_path):
    path = tmp_path / STEPS_FILE
    with RunLog(tmp_path, resume_at_step=0) as log:
        for step in range(5):
            log.write(step=step)
    path.write_text(path.read_text() + '{"step": 5, "lo')  # the line a kill cut short
    with RunLog(tmp_path, resume_at_step=3) as log:
        log.write(step=3)
    assert [json.loads(line)["step"] for line in path.read_text().splitlines()] == [0, 1, 2, 3]


def test_a_new_run_starts_an_empty_log(tmp_path):
    path = tmp_path / STEPS_FILE
    path.write_text('{"step": 0}\n')
    with RunLog(tmp_path, resume_at_step=0):
        pass
    assert path.read_text() == ""


def test_what_is_not_finite_is_null_since_json_has_no_infinity(tmp_path):
    with RunLog(tmp_path, resume_at_step=0) as log:
        log.write(step=0, loss=1.5, gradient_norm=math.inf, other=math.nan)
    line = (tmp_path / STEPS_FILE).read_text()
    assert json.loads(line, parse_constant=pytest.fail) == {
        "step": 0, "loss": 1.5, "gradient_norm": None, "other": None,
    }  # fmt: skip


def test_tensorboard_forgets_what_a_resumed_run_does_again(tmp_path):
    with RunLog(tmp_path, resume_at_step=0, tensorboard=True) as log:
        for step in range(5):
            log.write(step=step, loss=step)
    with RunLog(tmp_path, resume_at_step=3, tensorboard=True) as log:
        log.write(step=3, loss=30.0)
    events = EventAccumulator(str(tmp_path / TENSORBOARD_FOLDER))
    events.Reload()
    read = [(event.step, event.value) for event in events.Scalars("loss")]
    assert read == [(0, 0.0), (1, 1.0), (2, 2.0), (3, 30.0)]


def test_a_process_that_does_not_write_opens_no_file(tmp_path):
    with RunLog(tmp_path, resume_at_step=0, writes=False, tensorboard=True) as log:
        log.write(step=0, loss=1.0)
    assert list(tmp_path.iterdir()) == []
