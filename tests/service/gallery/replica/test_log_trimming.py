"""The log keeps what any replica that is alive would have to read, and no snapshot is orphaned."""

import pytest

from service.gallery.replica.log_trimming import trim_log
from service.gallery.replica.replica_options import ReplicaOptions
from service.gallery.stores.protocol import ReplicaMark
from tests.gallery_stores import upsert, write

DAY_S = 86_400.0


def mark(name, snapshot_seq, seen_s):
    return ReplicaMark(name, snapshot_seq, 20, 0, seen_s)


@pytest.fixture
def trimmed(store, info):
    """Trims after twenty writes; which entry is then the oldest."""
    for number in range(20):
        write(store, info.gallery_id, upsert("a", number))

    def trim(own_seq, *, kept=0):
        own = mark("one", own_seq, 10 * DAY_S)
        trim_log(store, info.gallery_id, own, ReplicaOptions(log_entries_kept=kept))
        return next(
            seq for seq in range(1, 21) if store.entry_hash(info.gallery_id, seq) is not None
        )

    return trim


def test_the_entry_of_the_snapshot_stays(trimmed):
    assert trimmed(12) == 12
    assert trimmed(20) == 20


def test_a_replica_without_a_snapshot_needs_all(trimmed):
    assert trimmed(0) == 1


def test_the_replica_that_is_furthest_behind_decides(store, info, trimmed):
    store.mark_replica(info.gallery_id, mark("two", 7, 9.5 * DAY_S))
    assert trimmed(12) == 7


def test_a_replica_that_was_not_seen_for_a_day_does_not(store, info, trimmed):
    store.mark_replica(info.gallery_id, mark("two", 7, 9 * DAY_S - 1))
    store.mark_replica(info.gallery_id, mark("three", 9, 9 * DAY_S))
    assert trimmed(12) == 9


def test_the_callers_own_mark_counts_as_it_is_now(store, info, trimmed):
    store.mark_replica(info.gallery_id, mark("one", 3, 10 * DAY_S))
    assert trimmed(12) == 12


def test_so_many_entries_are_kept_whoever_has_snapshots(trimmed):
    assert trimmed(20, kept=15) == 6
    assert trimmed(20, kept=100) == 6
