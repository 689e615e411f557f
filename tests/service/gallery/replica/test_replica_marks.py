"""What a replica says of itself, and what it believes of what was said before."""

import pytest

from service.gallery.replica.replica_marks import ReplicaMarks
from service.gallery.replica.replica_options import ReplicaOptions
from tests.replicas import SetClock


@pytest.fixture
def clock():
    return SetClock()


@pytest.fixture
def marks(store, info, clock):
    """Marks of a new process of the name `east`, each time they are made."""
    return lambda: ReplicaMarks(
        store, info.gallery_id, "east", options=ReplicaOptions(mark_every_s=10), clock=clock
    )


def said(store, info):
    """What the store was told, without the time."""
    marks = store.replicas(info.gallery_id)
    return [(one.replica, one.snapshot_seq, one.applied_seq) for one in marks]


def test_a_new_process_goes_on_where_the_one_before_stopped(marks):
    first = marks()
    first.forgotten(7)
    second = marks()
    second.recall()
    assert second.mark.forgotten_seq == 7


def test_after_a_divergence_nothing_counts_as_forgotten_though_the_store_says_so(marks):
    """A store that lost writes can be told of a lost one before anybody has noticed."""
    replica = marks()
    replica.recall()
    replica.forgotten(7)
    replica.diverged()
    replica.recall()
    assert replica.mark.forgotten_seq == 0


def test_what_was_applied_is_said_now_and_then(store, info, marks, clock):
    replica = marks()
    replica.applied(1)
    assert said(store, info) == []
    clock.now_s += 10
    replica.applied(2)
    assert said(store, info) == [("east", 0, 2)]
    clock.now_s += 9
    replica.applied(3)
    assert said(store, info) == [("east", 0, 2)]
    clock.now_s += 1
    replica.applied(3)
    assert said(store, info) == [("east", 0, 3)]


def test_a_sign_of_life_comes_also_when_nothing_happens(store, info, marks, clock):
    replica = marks()
    clock.now_s += 10
    replica.applied(1)
    (first,) = store.replicas(info.gallery_id)
    clock.now_s += 19
    replica.applied(1)
    assert store.replicas(info.gallery_id) == (first,)
    clock.now_s += 1
    replica.applied(1)
    assert store.replicas(info.gallery_id)[0].seen_s > first.seen_s


def test_a_pin_and_a_snapshot_are_said_at_once(store, info, marks):
    replica = marks()
    replica.pin(4)
    assert said(store, info) == [("east", 4, 0)]
    replica.snapshot_written(6)
    assert said(store, info) == [("east", 6, 0)]
