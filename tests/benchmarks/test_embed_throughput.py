import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.artifact_factory import write_tiny_artifact

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    "command", [["-m", "benchmarks.embed_throughput"], [ROOT / "benchmarks/embed_throughput.py"]]
)
def test_one_command_prints_raw_and_served_throughput_as_json(tmp_path, command):
    write_tiny_artifact(tmp_path / "artifact")
    done = subprocess.run(
        [
            sys.executable, *command,
            "--artifact", tmp_path / "artifact", "--seconds", "0.2", "--rounds", "1",
        ],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    measured = json.loads(done.stdout)
    assert set(measured["http_frames_per_s"]) == set(measured["ratio"]) == {"1", "16"}
    assert measured["raw_frames_per_s"] > 0
    for concurrency, served in measured["http_frames_per_s"].items():
        assert served > 0
        assert measured["ratio"][concurrency] == pytest.approx(
            served / measured["raw_frames_per_s"], abs=1e-3
        )
