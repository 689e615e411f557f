"""Where something is wrong a replica serves nothing wrong, says why, and recovers by itself."""

import sqlite3
from dataclasses import replace

import pytest

from service.errors import NotReady
from service.gallery.gallery_errors import CapacityExceeded, StoreUnavailable
from service.gallery.stores.batch import Delete
from tests.gallery_stores import upsert, write
from tests.replicas import (
    QUICK,
    CutStore,
    fill,
    ids_in,
    started,
    until,
)


def test_a_full_store_keeps_nobody_from_searching(store, info, directory):
    def refuse(*_):
        raise CapacityExceeded(expected="room", received="none", remedy="make some")

    fill(store, info, 5)
    cut = CutStore(store)
    cut.answers = {"mark_replica": refuse, "trim_log": refuse}
    with started(cut, info, directory) as replica:
        assert len(ids_in(replica.view())) == 5
        replica.snapshot()
        replica.wait_for(write(store, info.gallery_id, Delete("t1")).seq, 5)
        assert replica.forget_dead()
        assert replica.status().is_ready
        assert store.replicas(info.gallery_id) == ()
        cut.answers.clear()
        until(lambda: store.replicas(info.gallery_id))
        assert store.replicas(info.gallery_id)[0].forgotten_seq == 2


def test_a_replica_that_is_far_behind_is_not_ready(store, info, directory):
    cut = CutStore(store)
    with started(cut, info, directory, options=replace(QUICK, most_lag=2)) as replica:
        cut.answers["rows"] = lambda *_: _refuse()
        for number in range(4):
            write(store, info.gallery_id, upsert(f"t{number}"))
        until(lambda: replica.status().lag == 4)
        assert replica.status().reason == "too many writes have not been applied"
        del cut.answers["rows"]
        until(lambda: replica.status().is_ready)


def _refuse():
    raise StoreUnavailable(expected="rows", received="none", remedy="wait")


def test_the_death_of_its_thread_is_seen_and_nothing_is_served(store, info, directory):
    def break_down(*_, **__):
        raise RuntimeError("a mistake of ours")

    cut = CutStore(store)
    with started(cut, info, directory) as replica:
        cut.answers["log"] = break_down
        until(lambda: replica.status().phase == "dead")
        assert replica.status().reason == "dead: its thread ended with RuntimeError"
        assert not replica.status().is_ready
        with pytest.raises(NotReady, match="its thread ended with RuntimeError"):
            replica.view()
        with pytest.raises(NotReady):
            replica.wait_for(9, 60)


def test_what_the_store_does_not_count_is_not_served(store, info, directory, database):
    fill(store, info, 5)
    with sqlite3.connect(database) as raw:
        raw.execute("DELETE FROM packed_rows WHERE tracklet_id = 't3'")
    raw.close()
    with started(store, info, directory) as replica:
        status = replica.status()
        assert status.phase == "drifted"
        assert "4 tracklets were read where the store counts 5" in status.reason
        assert "run `reid gallery verify`" in status.reason
        with pytest.raises(NotReady, match="drifted"):
            replica.view()


def test_a_digest_that_changes_behind_the_log_stops_the_service(store, info, directory):
    def another(real, gallery_id):
        state = real(gallery_id)
        return replace(state, digest=state.digest ^ 1)

    fill(store, info, 5)
    cut = CutStore(store)
    with started(cut, info, directory) as replica:
        assert replica.forget_dead()
        assert replica.forgotten_seq == 1
        cut.answers["state"] = another
        until(lambda: replica.status().phase == "drifted")
        assert replica.status().divergences == 1
        assert replica.forgotten_seq == 0
        assert "the digest of what was read is not that of the store" in replica.status().reason
        del cut.answers["state"]
        until(lambda: replica.status().is_ready)


def test_a_dropped_gallery_is_not_served_and_its_snapshots_go(store, info, directory):
    fill(store, info, 5)
    with started(store, info, directory) as replica:
        store.drop_gallery(info.gallery_id)
        until(lambda: replica.status().phase == "gone")
        with pytest.raises(NotReady, match="gone: expected the id of a gallery"):
            replica.view()
        replica.discard()
    assert not (directory / info.gallery_id).exists()


def test_snapshots_of_a_gallery_that_was_lost_stay(store, info, directory):
    fill(store, info, 5)
    cut = CutStore(store)
    with started(cut, info, directory) as replica:
        replica.snapshot()
        cut.answers["was_dropped"] = lambda *_: False
        replica.discard()
        assert list((directory / info.gallery_id).glob("snapshot-*"))
    with started(cut, info, directory) as replica:
        cut.is_cut = True
        replica.discard()
        assert list((directory / info.gallery_id).glob("snapshot-*"))
