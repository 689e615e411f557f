"""What a replica says of itself, and what it believes of what was said before."""

import pytest

from service.gallery.replica.replica_marks import ReplicaMarks
from service.gallery.replica.replica_options import ReplicaOptions
from tests.replicas import SetClock


@pytest.fixture
def marks(store, info):
    """Marks of a new process of the name `east`, each time they are made."""
    return lambda: ReplicaMarks(
        store, info.gallery_id, "east", options=ReplicaOptions(), clock=SetClock()
    )


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
