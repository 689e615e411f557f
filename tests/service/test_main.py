import json
import os
import subprocess
import sys

import pytest

from tests.live_service import ROOT, LiveService
from tests.people import COLOURS, frames_of


def reid(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "service", *arguments],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "120", **variables},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture
def tree(tmp_path):
    for person in COLOURS:
        folder = tmp_path / f"{person}-0"
        folder.mkdir()
        for place, frame in enumerate(frames_of(person)):
            (folder / f"{place}.png").write_bytes(frame)
        (folder / "tracklet.json").write_text(json.dumps({"identity": person, "camera": "c0"}))
    return tmp_path


def test_the_runtime_is_told_to_report_to_nobody_before_it_is_imported():
    program = (
        "import os, sys, service.__main__ as program\n"
        "assert 'onnxruntime' not in sys.modules\n"
        "os.environ['REID_PORT'] = '70000'\n"
        "try:\n    program.cli(['serve'])\nexcept SystemExit:\n    pass\n"
        "assert 'onnxruntime' in sys.modules\n"
        "print(os.environ['ORT_DISABLE_TELEMETRY'])"
    )
    environment = {name: value for name, value in os.environ.items() if "TELEMETRY" not in name}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "1", done.stderr


def test_help_names_the_commands():
    done = reid("--help")
    assert done.returncode == 0
    for command in ("serve", "enroll", "search"):
        assert command in done.stdout


def test_enroll_and_search_a_tree(tree, running: LiveService, client):
    done = reid("enroll", str(tree), "--url", running.url)
    assert done.returncode == 0, done.stderr
    assert "enrolled 3 of 3 tracklets" in done.stdout

    done = reid("search", str(tree), "--url", running.url, "--top-k", "1")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("right") == 4
    assert "rank-1 1.000" in done.stdout

    done = reid(
        "search", str(tree / "red-0"), "--url", running.url, "--group-by", "identity",
        "--exclude-same-camera", "--json",
    )  # fmt: skip
    assert json.loads(done.stdout)["queries"][0]["matches"] == []


def test_a_failed_tracklet_is_a_failed_command(tree, running: LiveService, client):
    (tree / "red-0" / "0.png").write_bytes(b"text")
    (tree / "red-0" / "1.png").unlink()
    (tree / "red-0" / "2.png").unlink()
    done = reid("enroll", str(tree), "--url", running.url)
    assert done.returncode == 1
    assert "enrolled 2 of 3" in done.stdout
    assert "red-0: no_readable_frame" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["enroll", "no/such/place"], "reid: expected a directory of frames, received no/such/pl"),
        (["search", "tests", "--url", "http://127.0.0.1:9"], "reid: expected frames (.jpg"),
        (["serve", "--port", "70000"], "reid: expected port to satisfy: "),
    ],
)
def test_a_mistake_is_one_line_on_standard_error(arguments, said):
    done = reid(*arguments)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith(said)
    assert "Traceback" not in done.stderr


def test_a_service_that_is_not_there_is_said_at_once(tree):
    done = reid("search", str(tree), "--url", "http://127.0.0.1:9")
    assert done.returncode == 1
    assert "start it with `reid serve`, or give its --url" in done.stderr


def test_a_misspelt_variable_stops_the_service():
    done = reid("serve", REID_MAX_FRAME="3")
    assert done.returncode == 1
    assert "received REID_MAX_FRAME; did you mean REID_MAX_FRAMES?" in done.stderr
