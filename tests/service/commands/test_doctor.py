"""`reid doctor`, as a person or a script runs it."""

import json
import subprocess
import sys

import pytest

from tests.live_service import ROOT

FREE = {"REID_PORT": "0", "REID_ADMIN_PORT": "0", "REID_INFERENCE_THREADS": "1"}


@pytest.fixture
def doctor(artifact_dir, tmp_path, monkeypatch):
    def run(*options, **variables):
        for name, value in {**FREE, **variables}.items():
            monkeypatch.setenv(name, value)
        data = ["--artifact-dir", str(artifact_dir), "--data-dir", str(tmp_path / "data")]
        return subprocess.run(
            [sys.executable, "-m", "service", "doctor", *data, *options],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_where_all_is_well_it_says_so_and_changes_nothing(doctor, tmp_path):
    done = doctor("--json")
    assert done.returncode == 0, done.stdout
    told = json.loads(done.stdout)
    assert told["healthy"] is True
    assert {finding["state"] for finding in told["findings"]} <= {"ok", "warn"}
    assert not (tmp_path / "data").exists()


def test_a_failure_is_told_with_what_to_do_and_is_the_exit_status(doctor):
    done = doctor(REID_HOST="0.0.0.0")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    (place,) = [i for i, line in enumerate(lines) if line.startswith("fail")]
    assert lines[place].split()[:2] == ["fail", "keys"]
    assert "REID_ALLOW_ANYONE=true" in lines[place + 1]
    assert [line for line in lines if line.startswith("ok   artifact")]
