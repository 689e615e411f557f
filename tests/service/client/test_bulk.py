import threading
from pathlib import Path

import pytest

from service.api.schemas import MetadataBody
from service.client.bulk import ATTEMPTS, LONGEST_WAIT_S, for_each, with_retries
from service.client.connection import ReidClientError
from service.client.tracklet_folder import TrackletFolder, TrackletFolderError

FOLDERS = [TrackletFolder(f"t{i}", (Path("0.jpg"),), MetadataBody()) for i in range(20)]


def refusal(status, *, code="code", retry_after_s=None):
    return ReidClientError("text", status=status, code=code, retry_after_s=retry_after_s)


class Flaky:
    """Fails with each error in turn, then answers."""

    def __init__(self, *errors):
        self.errors = list(errors)
        self.calls = 0

    def __call__(self):
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


def test_an_answer_needs_no_retry():
    call = Flaky()
    assert with_retries(call, sleep=pytest.fail) == "answer"
    assert call.calls == 1


@pytest.mark.parametrize("status", [None, 429, 503, 504])
def test_what_may_pass_is_tried_again_after_the_time_the_service_asks(status):
    pauses = []
    call = Flaky(refusal(status, retry_after_s=7), refusal(status, retry_after_s=9999))
    assert with_retries(call, sleep=pauses.append) == "answer"
    assert pauses == [7, LONGEST_WAIT_S]


def test_without_a_stated_time_the_pauses_double():
    pauses = []
    with_retries(Flaky(*[refusal(503)] * 4), sleep=pauses.append)
    assert pauses == [0.5, 1, 2, 4]


@pytest.mark.parametrize("status", [400, 404, 413, 422, 500])
def test_what_cannot_pass_is_not_tried_again(status):
    call = Flaky(refusal(status))
    with pytest.raises(ReidClientError):
        with_retries(call, sleep=pytest.fail)
    assert call.calls == 1


def test_the_last_error_comes_out_when_nothing_helps():
    call = Flaky(*[refusal(503)] * 100)
    with pytest.raises(ReidClientError):
        with_retries(call, sleep=lambda _: None)
    assert call.calls == ATTEMPTS


def test_every_tracklet_has_one_outcome_and_errors_stay_with_theirs():
    def call(folder):
        if folder.tracklet_id == "t3":
            raise refusal(422, code="no_readable_frame")
        if folder.tracklet_id == "t4":
            raise TrackletFolderError("gone")
        return folder.tracklet_id.upper()

    outcomes = {o.folder.tracklet_id: o for o in for_each(FOLDERS, call, concurrency=3)}
    assert set(outcomes) == {folder.tracklet_id for folder in FOLDERS}
    assert (outcomes["t3"].answer, outcomes["t3"].error_code) == (None, "no_readable_frame")
    assert outcomes["t3"].error == "text"
    assert (outcomes["t4"].error_code, outcomes["t4"].error) == ("unreadable_folder", "gone")
    assert all(o.answer == name.upper() for name, o in outcomes.items() if name not in {"t3", "t4"})


def test_no_more_than_the_allowed_number_run_at_a_time():
    lock = threading.Lock()
    running = [0]
    most = [0]
    full = threading.Barrier(3, timeout=5)

    def call(folder):
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        if int(folder.tracklet_id[1:]) < 3:
            full.wait()
        with lock:
            running[0] -= 1

    list(for_each(FOLDERS, call, concurrency=3))
    assert most[0] == 3


def test_when_the_service_is_gone_the_rest_is_given_up_but_not_lost(monkeypatch):
    monkeypatch.setattr("service.client.bulk.time.sleep", lambda _: None)
    monkeypatch.setattr("service.client.bulk.ATTEMPTS", 1)
    called = []

    def call(folder):
        called.append(folder)
        raise refusal(None, code="unreachable")

    outcomes = list(for_each(FOLDERS, call, concurrency=1))
    assert len(called) == 1
    assert [o.error_code for o in outcomes] == ["unreachable"] + ["not_sent"] * 19
    assert {o.folder.tracklet_id for o in outcomes} == {f.tracklet_id for f in FOLDERS}


def test_a_bug_is_not_swallowed():
    def call(folder):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(for_each(FOLDERS, call, concurrency=2))


def test_whoever_stops_listening_does_not_wait_for_retries():
    """An interrupted command once hung for as long as the service had asked it to wait."""
    asked = threading.Event()

    def call(folder):
        if folder.tracklet_id == "t0":
            return "answer"
        asked.set()
        raise refusal(429, retry_after_s=LONGEST_WAIT_S)

    stream = for_each(FOLDERS[:2], call, concurrency=2)
    next(stream)
    assert asked.wait(10)
    stream.close()
    for thread in threading.enumerate():
        if thread.name.startswith("bulk"):
            thread.join(5)
            assert not thread.is_alive()
