import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from service.errors import ReidError
from service.gallery import failpoints
from service.gallery.failpoints import FAILPOINTS, VARIABLE, failpoint

SOURCES = Path(failpoints.__file__).resolve().parents[1]
FAULTS = SOURCES.parent / "tests" / "faults"


@pytest.fixture
def armed(monkeypatch):
    """Sets the variable as at the start of a process."""

    def arm(text):
        monkeypatch.setenv(VARIABLE, text)
        failpoints._armed.cache_clear()

    yield arm
    monkeypatch.undo()
    failpoints._armed.cache_clear()


def test_without_the_variable_nothing_happens(armed):
    armed("")
    for name in FAILPOINTS:
        failpoint(name)


def test_it_fails_at_the_passage_asked_for_and_only_there(armed):
    armed("snapshot.renamed:fail@2,erasure.begun:fail")
    failpoint("snapshot.renamed")
    failpoint("erasure.purged")
    with pytest.raises(
        ReidError, match=r"a failure at failpoint snapshot\.renamed; unset GALLERY_"
    ):
        failpoint("snapshot.renamed")
    failpoint("snapshot.renamed")
    with pytest.raises(ReidError, match=r"erasure\.begun"):
        failpoint("erasure.begun")


def test_it_kills_the_process_as_kill_9_would():
    program = (
        "from service.gallery.failpoints import failpoint\n" + "failpoint('enroll.stored')\n" * 3
    )
    environment = {**os.environ, VARIABLE: "enroll.stored:kill@3"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, check=False)
    assert done.returncode == -signal.SIGKILL


@pytest.mark.parametrize(
    "text", ["nowhere:kill", "erasure.begun:maim", "erasure.begun:kill@0", "erasure.begun:kill@x"]
)
def test_a_misspelt_failpoint_is_refused_at_once(armed, text):
    armed(text)
    with pytest.raises(
        ReidError, match=r"expected GALLERY_FAILPOINTS as NAME:kill@COUNT .*received"
    ):
        failpoint("erasure.begun")


def test_every_name_stands_in_the_code_exactly_once_and_no_other_does():
    calls = [
        name
        for source in sorted(SOURCES.rglob("*.py"))
        for name in re.findall(r'\bfailpoint\("([^"]+)"\)', source.read_text())
    ]
    assert sorted(calls) == sorted(FAILPOINTS)


def test_every_name_is_armed_by_a_test_of_faults():
    literals = {
        literal
        for test in FAULTS.glob("test_*.py")
        for literal in re.findall(r'"([a-z]+\.[a-z_]+)(?::kill@\d+)?"', test.read_text())
    }
    assert set(FAILPOINTS) <= literals
