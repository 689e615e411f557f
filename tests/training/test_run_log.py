import json

from training.run_log import STEPS_FILE, RunLog


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
