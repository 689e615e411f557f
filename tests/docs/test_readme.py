"""The README is run: its commands against the shipped model, its paths against the tree."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live_service import live_service

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def commands() -> list[str]:
    """Indented command lines, continuation lines joined."""
    joined = README.replace("\\\n", " ")
    lines = [line.strip() for line in joined.splitlines() if line.startswith("    ")]
    return [line for line in lines if line.startswith((".venv", "curl", "make"))]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Runs a command of the README against a real service with the shipped artifact."""
    programs = Path(sys.executable).parent
    with live_service(ROOT / "artifacts/dcct-light", tmp_path_factory.mktemp("data")) as service:

        def runner(command: str) -> subprocess.CompletedProcess[str]:
            here = command.replace(".venv-service/bin", str(programs))
            here = here.replace("http://127.0.0.1:8000", service.url)
            if "/reid " in here:
                here += f" --url {service.url}"
            if here.startswith("curl"):
                here = here.replace("curl", "curl --fail --silent --show-error", 1)
            return subprocess.run(
                ["bash", "-c", here],
                capture_output=True,
                text=True,
                cwd=ROOT,
                timeout=120,
                check=False,
            )

        yield runner


def test_it_is_short_enough_to_be_read():
    assert len(README.splitlines()) <= 150
    assert "@@" not in README


def test_the_first_lines_enroll_and_find_the_right_person(run):
    enroll, search = (line for line in commands() if "/reid " in line)
    enrolled = run(enroll)
    assert enrolled.returncode == 0, enrolled.stderr
    assert "enrolled 16 of 16 tracklets" in enrolled.stdout
    found = run(search)
    assert found.returncode == 0, found.stderr
    claim = next(line.strip() for line in README.splitlines() if line.strip().startswith("rank-1 "))
    assert claim in found.stdout


def test_every_curl_line_is_answered(run):
    assert shutil.which("curl"), "curl is missing: apt-get install curl"
    lines = [line for line in commands() if line.startswith("curl")]
    assert len(lines) >= 4
    for line in lines:
        answered = run(line)
        assert answered.returncode == 0, f"{line}: {answered.stdout}{answered.stderr}"


def test_training_commands_exist_with_their_options():
    lines = [line for line in commands() if "/reid-train " in line]
    assert lines
    for line in lines:
        words = line.split("> ")[0].split()
        names = words[1:3] if words[1] == "data" else words[1:2]
        helped = subprocess.run(
            [Path(sys.executable).parent / "reid-train", *names, "--help"],
            capture_output=True,
            text=True,
            check=True,
            env={"PATH": "/usr/bin:/bin", "COLUMNS": "200", "TERM": "dumb"},
        )
        for option in (word for word in words if word.startswith("--")):
            assert option in helped.stdout, line


def test_every_make_target_exists():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"`?make ([a-z]+)", README))
    assert named
    assert named <= targets


@pytest.mark.parametrize(
    "path",
    sorted(
        set(re.findall(r"\]\(([\w./-]+)\)", README))
        | set(
            re.findall(
                r"(?<![\w.-])(?:model|service|training|artifacts|samples|benchmarks|tests)/[\w./-]*\w",
                README,
            )
        )
    ),
)
def test_every_path_exists(path):
    assert (ROOT / path).exists()
