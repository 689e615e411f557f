"""Work goes on after a failure of the store, and a death of the thread shows."""

import threading
import time

import pytest

from service.gallery.gallery_errors import StoreUnavailable
from service.gallery.periodic_thread import PeriodicThread

ONE_DAY_S = 86400.0


def away():
    return StoreUnavailable(expected="a store", received="none", remedy="wait")


def until(condition):
    end = time.monotonic() + 10
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    assert condition()


def test_work_is_done_at_once_and_again_and_again():
    done = []
    thread = PeriodicThread("counting", lambda: done.append(1), every_s=0.001)
    thread.start()
    until(lambda: len(done) > 3)
    thread.close()
    stopped_at = len(done)
    time.sleep(0.02)
    assert len(done) == stopped_at


def test_waking_does_not_wait_for_the_time():
    done = []
    thread = PeriodicThread("counting", lambda: done.append(1), every_s=ONE_DAY_S)
    thread.start()
    until(lambda: len(done) == 1)
    thread.wake()
    until(lambda: len(done) == 2)
    thread.close()


def test_closing_finishes_the_work_that_has_begun():
    begun, ended, go_on = threading.Event(), [], threading.Event()

    def work():
        begun.set()
        go_on.wait(10)
        ended.append(1)

    thread = PeriodicThread("slow", work, every_s=ONE_DAY_S)
    thread.start()
    begun.wait(10)
    go_on.set()
    thread.close()
    thread.close()
    assert ended == [1]


def test_closing_what_never_started_does_nothing():
    thread = PeriodicThread("unused", lambda: None, every_s=1)
    thread.close()
    assert thread.alive


def test_a_store_that_is_away_is_logged_counted_and_asked_again(caplog):
    answers = [away(), away(), None, None]

    def work():
        error = answers.pop(0) if answers else None
        if error is not None:
            raise error

    thread = PeriodicThread("visits", work, every_s=0.001)
    thread.start()
    until(lambda: not answers)
    thread.close()
    assert thread.failures == 2
    assert {record.message for record in caplog.records} == {"work_postponed"}
    assert caplog.records[0].event_fields == {"work": "visits", "code": "store_unavailable"}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_fault_of_ours_ends_the_thread_and_shows():
    def work():
        raise ZeroDivisionError

    thread = PeriodicThread("faulty", work, every_s=0.001)
    assert thread.alive
    thread.start()
    until(lambda: not thread.alive)
    thread.close()
