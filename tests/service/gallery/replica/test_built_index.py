"""An index from a snapshot stands where that did, and only where the store's log proves it."""

from dataclasses import replace

import pytest

from service.gallery.gallery_errors import SnapshotUnusable
from service.gallery.replica.built_index import built_from_snapshot, built_from_store
from service.gallery.replica.frozen_snapshot import content_of
from service.gallery.replica.snapshot import SnapshotDirectory
from service.gallery.stores.batch import Delete
from service.gallery.stores.row_codec import DamagedRow
from tests.gallery_stores import upsert, write
from tests.replicas import CutStore, fill, ids_in


def from_store(store, info):
    told = []
    built = built_from_store(
        store, info, begun=told.append, read=lambda rows, start: told.append(rows)
    )
    return built, told


def with_snapshot(store, info, directory, **changed):
    """A directory with a snapshot of what the store holds, and the snapshot's path."""
    built, _ = from_store(store, info)
    snapshots = SnapshotDirectory(directory, info)
    return snapshots, snapshots.write(replace(content_of(built.index.view), **changed))


def test_from_the_store_it_has_every_row_and_stands_where_reading_began(store, info):
    fill(store, info, 1500)
    state = store.state(info.gallery_id)
    built, told = from_store(store, info)
    assert built.index.view.state == state
    assert told[0] == state
    assert told[-1] == 1500


def test_from_the_store_a_damaged_row_is_left_out(store, info):
    fill(store, info, 3)
    cut = CutStore(store)
    cut.answers["scan"] = lambda real, key: iter([[DamagedRow("x", "flipped")], *real(key)])
    built, _ = from_store(cut, info)
    assert built.ledger.damaged() == (DamagedRow("x", "flipped"),)
    assert ids_in(built.index.view) == ["t0", "t1", "t2"]


def test_from_a_snapshot_it_stands_at_that_write(store, info, directory):
    fill(store, info, 9)
    state = store.state(info.gallery_id)
    snapshots, path = with_snapshot(store, info, directory)
    write(store, info.gallery_id, Delete("t1"))
    built = built_from_snapshot(store, info, snapshots, path)
    assert built.index.view.state == state
    assert "t1" in ids_in(built.index.view)


def test_a_snapshot_of_the_last_write_needs_no_log(store, info, directory):
    fill(store, info, 9)
    snapshots, path = with_snapshot(store, info, directory)
    store.trim_log(info.gallery_id, upto=1)
    built_from_snapshot(store, info, snapshots, path)
    write(store, info.gallery_id, upsert("later"))
    with pytest.raises(SnapshotUnusable, match="a snapshot of a write in the log of the store"):
        built_from_snapshot(store, info, snapshots, path)


@pytest.mark.parametrize("later_writes", [0, 1])
def test_a_snapshot_of_another_history_is_refused_before_it_is_read(
    store, info, directory, later_writes
):
    fill(store, info, 9)
    other = replace(store.state(info.gallery_id), chain="0" * 40)
    snapshots, path = with_snapshot(store, info, directory, state=other)
    for _ in range(later_writes):
        write(store, info.gallery_id, upsert("later"))
    with pytest.raises(SnapshotUnusable, match="in the log of the store, received write 1"):
        built_from_snapshot(store, info, snapshots, path)


def test_rows_that_were_damaged_are_read_again(store, info, directory):
    fill(store, info, 9)
    snapshots, path = with_snapshot(store, info, directory, quarantined=("mended", "gone", "bad"))
    write(store, info.gallery_id, upsert("mended", 5))
    cut = CutStore(store)
    bad = DamagedRow("bad", "flipped")
    cut.answers["rows"] = lambda real, key, ids: [
        bad if name == "bad" else row for name, row in zip(ids, real(key, ids), strict=True)
    ]
    built = built_from_snapshot(cut, info, snapshots, path)
    assert built.ledger.damaged() == (bad,)
    assert "mended" in ids_in(built.index.view)
    assert "gone" not in ids_in(built.index.view)
