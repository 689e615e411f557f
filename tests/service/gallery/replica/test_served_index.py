"""What is served at a moment, who waits for it, and why nothing is."""

import threading

import pytest

from service.errors import NotReady
from service.gallery.gallery_errors import ReplicaBehind
from service.gallery.index.gallery_index import GalleryIndex
from service.gallery.replica.served_index import ServedIndex
from service.gallery.stores.row_codec import DamagedRow
from tests.gallery_stores import DIMENSION
from tests.replicas import SetClock


def index_at(seq):
    index = GalleryIndex("g", DIMENSION)
    index.apply([], [], seq=seq, chain="x" * 40)
    return index


@pytest.fixture
def clock():
    return SetClock()


@pytest.fixture
def served(clock):
    return ServedIndex("staff", clock)


def later(work):
    """Do it on another thread in a moment."""
    timer = threading.Timer(0.05, work)
    timer.start()
    return timer


def test_nothing_is_served_until_something_is(served):
    assert not served.settled.is_set()
    with pytest.raises(NotReady, match="'staff' to be served, received starting: starting; retry"):
        served.index()
    served.say("7 of 9 rows read")
    with pytest.raises(NotReady, match="received starting: 7 of 9 rows read"):
        served.index()
    served.serve(index_at(3))
    assert served.settled.is_set()
    assert served.index().view.state.seq == 3
    served.say("something else")
    assert served.reason == ""


def test_what_is_withdrawn_is_served_by_nobody(served):
    served.serve(index_at(3))
    served.withdraw("rebuilding", "they differ")
    assert served.index_or_none() is None
    with pytest.raises(NotReady, match="received rebuilding: they differ"):
        served.wait_for(3, 0)


def test_a_start_that_goes_on_is_not_settled(served):
    served.withdraw("rebuilding", "the log was trimmed")
    assert not served.settled.is_set()
    served.withdraw("drifted", "they differ")
    assert served.settled.is_set()


def test_a_waiter_wakes_when_the_write_is_applied(served):
    index = index_at(3)
    served.serve(index)

    def apply():
        index.apply([], [], seq=4, chain="x" * 40)
        served.applied(())

    timer = later(apply)
    assert served.wait_for(4, 20).state.seq == 4
    timer.join()


def test_a_waiter_goes_on_waiting_through_a_rebuild(served):
    served.withdraw("rebuilding", "they differ")
    timer = later(lambda: served.serve(index_at(4)))
    assert served.wait_for(4, 20).state.seq == 4
    timer.join()


@pytest.mark.parametrize("phase", ["drifted", "gone", "unreachable", "dead", "stopped"])
def test_a_waiter_does_not_wait_for_what_will_not_come(served, phase):
    timer = later(lambda: served.withdraw(phase, "so it is"))
    with pytest.raises(NotReady, match=f"received {phase}: so it is"):
        served.wait_for(4, 60)
    timer.join()


def test_a_comparison_is_waited_for_and_forgotten_with_the_index(served):
    served.serve(index_at(3))
    with pytest.raises(ReplicaBehind, match="compared with the store at write 3"):
        served.wait_until_proved(3, 0.01)
    timer = later(lambda: served.proved(3))
    served.wait_until_proved(3, 20)
    timer.join()
    served.withdraw("rebuilding", "they differ")
    with pytest.raises(NotReady):
        served.wait_until_proved(3, 0.01)
    served.serve(index_at(3))
    with pytest.raises(ReplicaBehind):
        served.wait_until_proved(3, 0.01)


def test_staleness_grows_until_the_store_is_heard_of(served, clock):
    clock.now_s += 5
    assert served.stale_for_s == 5
    served.heard_of(9)
    assert (served.stale_for_s, served.stored_seq) == (0, 9)


def test_damaged_rows_are_shown_by_id(served):
    served.applied((DamagedRow("a", "flipped"),))
    assert served.damaged_ids() == ("a",)
