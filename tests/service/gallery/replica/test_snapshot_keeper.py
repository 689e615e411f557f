"""Snapshots come when it is time, one at a time, and their failures are counted, not thrown."""

import threading
from dataclasses import replace

import numpy as np
import pytest

from service.gallery.gallery_errors import SnapshotFailed, StoreUnavailable
from service.gallery.index.gallery_index import GalleryIndex
from service.gallery.replica import snapshot_keeper
from service.gallery.replica.frozen_snapshot import index_from
from service.gallery.replica.replica_options import ReplicaOptions
from service.gallery.replica.snapshot import SnapshotDirectory
from service.gallery.replica.snapshot_keeper import SnapshotKeeper
from service.gallery.stores.protocol import GalleryInfo
from tests.gallery_stores import DIMENSION, SPEC
from tests.replicas import SetClock

INFO = GalleryInfo("g1", "staff", SPEC, 1.5)
OPTIONS = ReplicaOptions(snapshot_every_s=300, snapshot_every_writes=100, snapshot_retry_s=60)


class Keeping:
    """A keeper, and views of an index at any write."""

    def __init__(self, directory):
        self.clock = SetClock()
        self.told = []
        self.snapshots = SnapshotDirectory(directory, INFO)
        self.keeper = SnapshotKeeper(
            self.snapshots, OPTIONS, clock=self.clock, written=self.told.append
        )

    def view(self, seq):
        index = GalleryIndex(INFO.gallery_id, DIMENSION)
        index.apply([], [], seq=seq, chain=f"{seq:040d}")
        return index.view

    def offer(self, seq):
        """Whether a snapshot of this write was written when it was offered."""
        before = self.keeper.count + self.keeper.failures
        self.keeper.start_if_due(self.view(seq), ())
        self.keeper.join()
        return self.keeper.count + self.keeper.failures > before


@pytest.fixture
def keeping(tmp_path):
    return Keeping(tmp_path)


def test_the_first_comes_at_once_and_of_nothing_there_is_none(keeping):
    assert not keeping.offer(0)
    assert keeping.offer(1)
    assert keeping.keeper.saved.seq == 1
    assert keeping.told == [1]


def test_the_next_comes_when_its_time_has_come_and_something_was_written(keeping):
    keeping.offer(1)
    keeping.clock.now_s += 299
    assert not keeping.offer(2)
    keeping.clock.now_s += 1
    assert not keeping.offer(1)
    assert keeping.offer(2)


def test_or_after_so_many_writes(keeping):
    keeping.offer(1)
    keeping.clock.now_s += 60
    assert not keeping.offer(100)
    assert keeping.offer(101)


def test_many_writes_do_not_make_it_come_every_moment(keeping):
    keeping.offer(1)
    keeping.clock.now_s += 59
    assert not keeping.offer(1000)


def test_a_start_from_a_snapshot_begins_the_time(keeping):
    keeping.keeper.loaded(keeping.view(5).state)
    assert not keeping.offer(6)
    keeping.clock.now_s += 300
    assert not keeping.offer(5)
    assert keeping.offer(6)
    keeping.keeper.loaded(None)
    assert keeping.offer(6)


def test_only_so_many_are_kept(keeping):
    for seq in range(1, 5):
        keeping.keeper.write(keeping.view(seq), ())
    found = keeping.snapshots.newest_first()
    assert [keeping.snapshots.read_manifest(path).state.seq for path in found] == [4, 3]
    keeping.keeper.write(keeping.view(5), ("t1",), kept=1)
    (path,) = keeping.snapshots.newest_first()
    manifest = keeping.snapshots.read_manifest(path)
    assert (manifest.state.seq, manifest.quarantined) == (5, ("t1",))
    assert index_from(path, manifest).view.state == keeping.view(5).state


def test_a_failure_is_counted_and_tried_again_later(keeping, monkeypatch, caplog):
    def refuse(content):
        raise SnapshotFailed(expected="a disk", received="none", remedy="mend it")

    with monkeypatch.context() as patch:
        patch.setattr(keeping.snapshots, "write", refuse)
        assert keeping.offer(1)
        with pytest.raises(SnapshotFailed, match="mend it"):
            keeping.keeper.write(keeping.view(1), ())
    assert (keeping.keeper.failures, keeping.keeper.count, keeping.told) == (2, 0, [])
    assert caplog.messages.count("snapshot_failed") == 2
    keeping.clock.now_s += 59
    assert not keeping.offer(1)
    keeping.clock.now_s += 1
    assert keeping.offer(1)
    assert keeping.keeper.count == 1


def test_a_mistake_of_ours_is_no_outage_either(keeping, monkeypatch, caplog):
    def mistake(view, *, quarantined):
        raise RuntimeError("a mistake")

    monkeypatch.setattr(snapshot_keeper, "content_of", mistake)
    assert keeping.offer(1)
    assert keeping.keeper.failures == 1
    assert "snapshot_failed" in caplog.messages


def test_a_store_that_cannot_be_told_takes_nothing_from_the_snapshot(keeping, caplog):
    def refuse(seq):
        raise StoreUnavailable(expected="a store", received="none", remedy="wait")

    keeper = SnapshotKeeper(keeping.snapshots, OPTIONS, clock=keeping.clock, written=refuse)
    keeper.write(keeping.view(1), ())
    assert (keeper.count, keeper.failures, keeper.saved.seq) == (1, 0, 1)
    assert "log_not_trimmed" in caplog.messages


def test_one_is_written_at_a_time_and_none_while_it_is_held(keeping):
    with keeping.keeper.held():
        keeping.keeper.start_if_due(keeping.view(1), ())
        keeping.keeper.start_if_due(keeping.view(2), ())
        assert keeping.keeper.count == 0
        assert [one.name for one in threading.enumerate()].count("snapshot") == 1
    keeping.keeper.join()
    assert keeping.keeper.count == 1
    assert replace(keeping.keeper.saved, digest=0).seq == 1
    assert np.isfinite(keeping.keeper.saved_s)
