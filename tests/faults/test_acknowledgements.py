"""The judge of the kill tests is itself judged: each kind of broken promise is noticed."""

import re

import pytest

from tests.faults.acknowledgements import Acknowledgements, Operation, complaints

FIRST = Operation(0, 1, "put", 11, ("w0-a", "w0-b"))
SECOND = Operation(0, 2, "delete", 0, ("w0-a",))
LAST = Operation(0, 3, "put", 13, ("w0-b", "w0-c"))


@pytest.fixture
def story(tmp_path):
    """Two acknowledged requests and one whose answer never came."""
    oracle = Acknowledgements(tmp_path / "oracle")
    for operation, seq in ((FIRST, 4), (SECOND, 5)):
        oracle.tried(operation)
        oracle.acknowledged(operation, seq)
    oracle.tried(LAST)
    oracle.close()
    return oracle.path


@pytest.mark.parametrize("held", [{"w0-b": 11}, {"w0-b": 13, "w0-c": 13}])
def test_the_last_request_may_be_done_or_not(story, held):
    assert complaints(story, held) == []


@pytest.mark.parametrize(
    ("held", "complaint"),
    [
        ({}, r"lost \['w0-b'\]"),
        ({"w0-a": 11, "w0-b": 11}, r"ghosts \['w0-a'\]"),
        ({"w0-b": 12}, r"other versions \['w0-b'\]"),
        ({"w0-b": 13}, r"other versions \['w0-b'\]"),
        ({"w0-b": 11, "w0-c": 13}, r"ghosts \['w0-c'\]"),
        ({"w0-b": 11, "w7-x": 1}, "w7-x was never enrolled"),
    ],
    ids=["lost", "undeleted", "never written", "half a batch", "other half", "stranger"],
)
def test_every_broken_promise_is_noticed(story, held, complaint):
    (found,) = complaints(story, held)
    assert re.search(complaint, found)


def test_an_acknowledged_seq_that_does_not_grow_is_noticed(tmp_path):
    oracle = Acknowledgements(tmp_path / "oracle")
    for operation in (FIRST, SECOND):
        oracle.tried(operation)
        oracle.acknowledged(operation, 4)
    oracle.close()
    assert complaints(oracle.path, {"w0-b": 11}) == ["writer 0: seq 4 follows 4"]
