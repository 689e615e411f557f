"""Whatever becomes of snapshots, the one before is read or the store is: never a wrong row."""

import hashlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest

from service.gallery.failpoints import VARIABLE
from service.gallery.gallery_errors import SnapshotFailed, SnapshotUnusable
from service.gallery.index.view import View
from service.gallery.replica.built_index import built_from_snapshot
from service.gallery.replica.snapshot import SnapshotDirectory
from service.gallery.stores.sqlite_gallery_store import SqliteGalleryStore
from tests.gallery_stores import SPEC, upsert, write
from tests.live_service import ROOT
from tests.long_run import rounds
from tests.replicas import fill, ids_in, started, until
from tests.small_disk import fill as fill_disk
from tests.small_disk import small_disk

STEPS = [
    "snapshot.begun",
    "snapshot.arrays_written",
    "snapshot.manifest_written",
    "snapshot.renamed",
    "snapshot.current_moved",
]


@pytest.fixture
def store(tmp_path):
    store = SqliteGalleryStore(tmp_path / "galleries" / "gallery.sqlite3")
    store.open()
    yield store
    store.close()


@pytest.fixture
def info(store):
    info = store.create_gallery("staff", SPEC)
    fill(store, info, 60)
    write(store, info.gallery_id, upsert("known", 3, identity="p", attributes={"a": 1, "ä/b": "x"}))
    return info


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "snapshots"


@pytest.fixture
def snapshot(store, info, directory):
    """The only snapshot of the gallery."""
    with started(store, info, directory) as replica:
        replica.snapshot()
        until(lambda: replica.status().snapshots)
    snapshots = SnapshotDirectory(directory, info)
    snapshots.forget_all_but(snapshots.newest_first()[:1])
    return snapshots.newest_first()[0]


def content(view: View):
    """All that a search can see."""
    rows = [view.row_of(name) for name in ids_in(view)]
    heads = view.heads(np.array(rows))
    return heads, view.embeddings(np.array(rows)).tobytes()


def run_writer(tmp_path, armed):
    where = [tmp_path / "g.sqlite3", tmp_path / "snapshots"]
    return subprocess.run(
        [sys.executable, "-m", "tests.faults.snapshot_writer", *where],
        cwd=ROOT,
        env={**os.environ, VARIABLE: armed},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("step", STEPS)
def test_after_kill_9_at_any_step_a_whole_snapshot_is_read(tmp_path, step):
    done = run_writer(tmp_path, f"{step}:kill@2")
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert done.stdout == "first snapshot written\n"
    store = SqliteGalleryStore(tmp_path / "g.sqlite3")
    store.open()
    (info,) = store.galleries()
    with started(store, info, tmp_path / "snapshots") as replica:
        assert replica.status().rebuilds == 0
        assert replica.status().snapshot_seq == (2 if step == "snapshot.current_moved" else 1)
        assert replica.view().state == store.state(info.gallery_id)
        assert "t2" not in ids_in(replica.view())
        assert replica.verify().agrees
        assert not list((tmp_path / "snapshots" / info.gallery_id).glob("tmp-*"))
    store.close()


def test_after_kill_9_between_applying_a_write_and_noting_it_the_index_is_the_stores(tmp_path):
    done = run_writer(tmp_path, "replica.applied:kill@1")
    assert done.returncode == -signal.SIGKILL, done.stderr
    store = SqliteGalleryStore(tmp_path / "g.sqlite3")
    store.open()
    (info,) = store.galleries()
    assert store.state(info.gallery_id).seq == 2
    with started(store, info, tmp_path / "snapshots") as replica:
        assert replica.status().snapshot_seq == 1
        assert replica.view().state == store.state(info.gallery_id)
        assert "t2" not in ids_in(replica.view())
        assert replica.verify().agrees
    store.close()


def test_a_flip_of_any_bit_is_refused_or_changes_nothing(store, info, snapshot, directory):
    snapshots = SnapshotDirectory(directory, info)
    expected = content(built_from_snapshot(store, info, snapshots, snapshot).index.view)
    files = sorted(path for path in snapshot.iterdir())
    sizes = [path.stat().st_size for path in files]
    seed = random.randrange(2**32)
    print("seed", seed)
    chance = random.Random(seed)
    refused = 0
    for _ in range(rounds(400, 10_000)):
        (path,) = chance.choices(files, weights=sizes)
        intact = path.read_bytes()
        damaged = bytearray(intact)
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        try:
            view = built_from_snapshot(store, info, snapshots, snapshot).index.view
        except SnapshotUnusable:
            refused += 1
        else:
            assert content(view) == expected
        path.write_bytes(intact)
    assert refused == rounds(400, 10_000)


def test_a_cut_of_any_file_is_refused(store, info, snapshot, directory):
    snapshots = SnapshotDirectory(directory, info)
    for path in sorted(snapshot.iterdir()):
        intact = path.read_bytes()
        for length in {0, 1, len(intact) // 2, len(intact) - 1} - {len(intact)}:
            path.write_bytes(intact[:length])
            with pytest.raises(SnapshotUnusable):
                built_from_snapshot(store, info, snapshots, snapshot)
        path.unlink()
        with pytest.raises(SnapshotUnusable):
            built_from_snapshot(store, info, snapshots, snapshot)
        path.write_bytes(intact)
    built_from_snapshot(store, info, snapshots, snapshot)


@pytest.mark.parametrize("harm", ["flipped", "missing", "emptied"])
def test_beside_a_damaged_newest_one_the_one_before_is_read(store, info, directory, harm):
    with started(store, info, directory) as replica:
        until(lambda: replica.status().snapshots)
        write(store, info.gallery_id, upsert("later", 1))
        replica.catch_up(10)
    newest, older = SnapshotDirectory(directory, info).newest_first()
    file = newest / "embeddings.raw"
    if harm == "flipped":
        file.write_bytes(bytes([file.read_bytes()[0] ^ 1]) + file.read_bytes()[1:])
    elif harm == "missing":
        shutil.rmtree(newest)
    else:
        file.write_bytes(b"")
    with started(store, info, directory) as replica:
        assert replica.status().rebuilds == 0
        assert replica.status().snapshot_seq == int(older.name.split("-")[1])
        assert replica.view().state == store.state(info.gallery_id)
        assert replica.verify().checks[-1].agrees == (harm == "missing")


def test_when_none_is_whole_the_store_is_read(store, info, snapshot, directory):
    (snapshot / "column.seq.raw").unlink()
    with started(store, info, directory) as replica:
        assert replica.status().rebuilds == 1
        assert replica.view().state == store.state(info.gallery_id)


def test_files_swapped_between_galleries_are_refused(store, info, snapshot, directory):
    other = store.create_gallery("visitors", SPEC)
    fill(store, other, 60, first=1000)
    write(
        store, other.gallery_id, upsert("known", 4, identity="p", attributes={"a": 1, "ä/b": "x"})
    )
    with started(store, other, directory) as replica:
        replica.snapshot()
    theirs = SnapshotDirectory(directory, other).newest_first()[0]
    snapshots = SnapshotDirectory(directory, info)
    for path in sorted(snapshot.iterdir()):
        intact, foreign = path.read_bytes(), (theirs / path.name).read_bytes()
        if intact == foreign:
            continue
        path.write_bytes(foreign)
        with pytest.raises(SnapshotUnusable):
            built_from_snapshot(store, info, snapshots, snapshot)
        path.write_bytes(intact)
    shutil.rmtree(snapshot)
    shutil.copytree(theirs, snapshot)
    with started(store, info, directory) as replica:
        assert replica.status().rebuilds == 1
        assert replica.verify().checks[0].agrees


def test_a_snapshot_of_a_newer_release_is_left_alone(store, info, snapshot, directory):
    manifest = snapshot / "MANIFEST"
    described = json.loads(manifest.read_text().split("\n")[1])
    described["format"] += 1
    text = json.dumps(described)
    manifest.write_text(f"{hashlib.sha256(text.encode()).hexdigest()}\n{text}\n")
    with started(store, info, directory) as replica:
        assert replica.status().rebuilds == 1
        assert replica.view().state == store.state(info.gallery_id)
    assert manifest.exists()


@pytest.mark.parametrize("leave_bytes", [0, 4096, 20_000])
def test_a_full_disk_costs_a_snapshot_and_nothing_else(store, info, tmp_path, leave_bytes):
    with small_disk(tmp_path / "disk", 4 * 2**20) as disk, pytest.MonkeyPatch.context() as patch:
        patch.setattr("service.gallery.replica.snapshot.SPARE_BYTES", 0)
        with started(store, info, disk) as replica:
            until(lambda: replica.status().snapshots)
            replica.wait_for(write(store, info.gallery_id, upsert("later", 1)).seq, 10)
            filler = fill_disk(disk, leave_bytes=leave_bytes)
            with pytest.raises(SnapshotFailed):
                replica.snapshot()
            status = replica.status()
            assert (status.snapshot_failures, status.snapshot_seq) == (1, 2)
            assert status.is_ready
            assert not list(disk.glob("*/tmp-*"))
            replica.wait_for(write(store, info.gallery_id, upsert("more", 1)).seq, 10)
            filler.unlink()
            replica.snapshot()
            assert replica.status().snapshot_seq == 4
        with started(store, info, disk) as replica:
            assert replica.status().rebuilds == 0


def test_a_disk_that_ends_in_the_middle_of_a_file_is_the_same(store, info, directory):
    """The room was there when it was looked for: the write itself fails."""
    with started(store, info, directory) as replica:
        until(lambda: replica.status().snapshots)
        replica.wait_for(write(store, info.gallery_id, upsert("later", 1)).seq, 10)
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
            with pytest.raises(SnapshotFailed, match="File too large"):
                replica.snapshot()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            signal.signal(signal.SIGXFSZ, previous)
        assert replica.status().is_ready
        assert replica.status().snapshot_seq == 2
        assert not list(directory.glob("*/tmp-*"))
        replica.snapshot()
        assert replica.status().snapshot_seq == 3
