"""A snapshot is complete and of this gallery, or it is ignored; the one before stays."""

import os
import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from service.errors import ReidError
from service.gallery.gallery_errors import SnapshotFailed, SnapshotUnusable
from service.gallery.replica import snapshot, snapshot_files
from service.gallery.replica.snapshot import CURRENT_FILE, SnapshotContent, SnapshotDirectory
from service.gallery.replica.snapshot_files import read_array
from service.gallery.stores.protocol import GalleryInfo, GalleryModel, GallerySpec, GalleryState

INFO = GalleryInfo("g1", "staff", GallerySpec(GalleryModel("f" * 64, 4)), 1.5)


def state_at(seq: int) -> GalleryState:
    return GalleryState(seq, 3, seq * 7, f"{seq:040d}")


def content_of(seq: int, *quarantined: str) -> SnapshotContent:
    pieces = [np.full((2, 4), seq, "<f2"), np.zeros((1, 4), "<f2")]
    return SnapshotContent(state_at(seq), {"embeddings": pieces}, 24, quarantined)


@pytest.fixture
def snapshots(tmp_path):
    return SnapshotDirectory(tmp_path, INFO)


def written(snapshots, seq):
    return snapshots.write(content_of(seq))


def test_a_snapshot_comes_back_with_what_it_was_made_of(snapshots):
    path = snapshots.write(content_of(5, "t9"))
    manifest = snapshots.verify(path)
    assert (manifest.state, manifest.info, manifest.quarantined) == (state_at(5), INFO, ("t9",))
    (embeddings,) = manifest.arrays
    np.testing.assert_array_equal(read_array(path, embeddings)[:, 0], [5, 5, 0])


def test_only_its_owner_may_read_it(snapshots):
    path = written(snapshots, 5)
    assert path.stat().st_mode & 0o777 == 0o700
    assert snapshots.directory.stat().st_mode & 0o777 == 0o700


def test_the_current_one_comes_first_and_then_the_later(snapshots):
    first, second, third = (written(snapshots, seq) for seq in (1, 2, 3))
    assert snapshots.newest_first() == [third, second, first]
    (snapshots.directory / CURRENT_FILE).write_text(f"{first.name}\n")
    assert snapshots.newest_first() == [first, third, second]
    (snapshots.directory / CURRENT_FILE).write_bytes(b"\xff")
    assert snapshots.newest_first() == [third, second, first]
    (snapshots.directory / CURRENT_FILE).unlink()
    assert snapshots.newest_first() == [third, second, first]


def test_two_snapshots_of_one_write_do_not_meet(snapshots):
    first, second = written(snapshots, 4), written(snapshots, 4)
    assert first != second
    assert snapshots.newest_first()[0] == second


def test_before_the_first_one_there_are_none(snapshots):
    assert snapshots.newest_first() == []
    assert snapshots.remove_garbage() == 0
    snapshots.forget_all_but([])
    snapshots.remove()


@pytest.mark.parametrize(
    "other",
    [
        replace(INFO, gallery_id="g2"),
        replace(INFO, spec=GallerySpec(GalleryModel("e" * 64, 4))),
        replace(INFO, spec=GallerySpec(GalleryModel("f" * 64, 5))),
    ],
)
def test_a_snapshot_of_another_gallery_model_or_dimension_is_refused(tmp_path, snapshots, other):
    foreign = SnapshotDirectory(tmp_path / "foreign", other).write(content_of(1))
    snapshots.directory.mkdir(exist_ok=True)
    moved = shutil.copytree(foreign, snapshots.directory / foreign.name)
    with pytest.raises(SnapshotUnusable, match="a snapshot of this gallery and its model"):
        snapshots.verify(moved)


def test_a_gallery_may_be_renamed_and_limited_and_keeps_its_snapshots(tmp_path, snapshots):
    path = written(snapshots, 1)
    renamed = replace(INFO, name="visitors", spec=replace(INFO.spec, max_tracklets=9))
    SnapshotDirectory(tmp_path, renamed).verify(path)


def test_forgetting_removes_all_but_those_named(snapshots):
    first, second, third = (written(snapshots, seq) for seq in (1, 2, 3))
    snapshots.forget_all_but([third, second])
    assert snapshots.newest_first() == [third, second]
    assert not first.exists()
    assert not list(snapshots.directory.glob("tmp-*"))


def test_forgetting_that_fails_says_so(snapshots, monkeypatch):
    written(snapshots, 1)

    def refuse(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(snapshot.shutil, "rmtree", refuse)
    with pytest.raises(SnapshotFailed, match=r"to remove old snapshots .*Permission denied; mend"):
        snapshots.forget_all_but([])


def test_what_a_dead_process_left_is_removed(snapshots):
    kept = written(snapshots, 1)
    (snapshots.directory / "tmp-dead").mkdir()
    (snapshots.directory / "tmp-dead" / "embeddings.raw").write_bytes(b"x")
    (snapshots.directory / "tmp-CURRENT").write_text("half")
    assert snapshots.remove_garbage() == 2
    assert snapshots.newest_first() == [kept]
    assert sorted(path.name for path in snapshots.directory.iterdir()) == [CURRENT_FILE, kept.name]


def test_a_leftover_of_moving_current_is_in_nobodys_way(snapshots):
    snapshots.directory.mkdir()
    (snapshots.directory / "tmp-CURRENT").write_text("half")
    assert snapshots.newest_first() == []
    assert written(snapshots, 1).exists()


def test_without_room_nothing_is_begun(snapshots, monkeypatch):
    kept = written(snapshots, 1)
    room = SimpleNamespace(f_bavail=100, f_frsize=512)
    monkeypatch.setattr(os, "statvfs", lambda path: room)
    monkeypatch.setattr(snapshot, "SPARE_BYTES", 51200)
    with pytest.raises(
        SnapshotFailed, match=r"51224 free bytes for a snapshot.*received 51200; fr"
    ):
        written(snapshots, 2)
    assert snapshots.newest_first() == [kept]
    monkeypatch.setattr(snapshot, "SPARE_BYTES", 51200 - 24)
    written(snapshots, 2)


def test_a_snapshot_that_reads_back_otherwise_is_withdrawn(snapshots, monkeypatch):
    kept = written(snapshots, 1)
    real = snapshot_files.sync_directory

    def lose_a_bit(directory):
        real(directory)
        for path in directory.glob("snapshot-*2-*/*.raw"):
            damaged = bytearray(path.read_bytes())
            damaged[3] ^= 4
            path.write_bytes(damaged)

    monkeypatch.setattr(snapshot, "sync_directory", lose_a_bit)
    with pytest.raises(SnapshotUnusable, match="MiB 0 of embeddings as written"):
        written(snapshots, 2)
    assert snapshots.newest_first() == [kept]
    assert (snapshots.directory / CURRENT_FILE).read_text() == f"{kept.name}\n"


def test_a_disk_that_refuses_is_reported_and_leaves_the_one_before(snapshots, monkeypatch):
    kept = written(snapshots, 1)

    def refuse(descriptor, data):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", refuse)
        with pytest.raises(SnapshotFailed, match=r"to write a snapshot .*No space left on device"):
            written(snapshots, 2)
    assert snapshots.newest_first() == [kept]
    assert not list(snapshots.directory.glob("tmp-*"))


@pytest.mark.parametrize(
    "name", ["begun", "arrays_written", "manifest_written", "renamed", "current_moved"]
)
def test_a_failure_at_any_step_leaves_a_whole_snapshot(snapshots, monkeypatch, name):
    kept = written(snapshots, 1)

    def fail(passed):
        if passed == f"snapshot.{name}":
            raise ReidError(expected="to pass", received="a failure", remedy="none")

    monkeypatch.setattr(snapshot, "failpoint", fail)
    with pytest.raises(ReidError, match="to pass"):
        written(snapshots, 2)
    assert not list(snapshots.directory.glob("tmp-*"))
    newest = snapshots.newest_first()[0]
    assert (newest == kept) == (name != "current_moved")
    for path in snapshots.newest_first():
        snapshots.verify(path)
