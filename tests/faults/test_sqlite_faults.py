"""A damaged, cut, full, locked or foreign database: never a wrong row, always a word about it."""

import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from service.errors import ReidError
from service.gallery.gallery_errors import CapacityExceeded, StoreUnavailable
from service.gallery.stores.audit_entry import AuditEntry
from service.gallery.stores.batch import Delete
from service.gallery.stores.row_codec import DamagedRow
from service.gallery.stores.sqlite_gallery_store import SqliteGalleryStore
from service.gallery.stores.sqlite_reserved_writes import RESERVE_FILE
from tests.erasure_receipts import receipt
from tests.gallery_stores import SPEC, digest_by_hand, held, unit, upsert, write
from tests.long_run import rounds
from tests.small_disk import fill, small_disk

ROOT = Path(__file__).resolve().parent.parent.parent


def opened(path):
    store = SqliteGalleryStore(path)
    store.open()
    return store


def filled(path, *, rows=150):
    """A closed database with that many rows; what it holds, by name."""
    store = opened(path)
    gallery = store.create_gallery("default", SPEC).gallery_id
    for start in range(0, rows, 50):
        batch = [upsert(f"t{start + n}", start + n, identity=f"p{n}") for n in range(50)]
        write(store, gallery, *batch)
    records = held(store, gallery)
    store.close()
    return gallery, records


def read_all(path, gallery, records):
    """Read every row by scan and by name: how many were damaged, none of the others wrong."""
    store = SqliteGalleryStore(path)
    try:
        store.open()
        scanned = [row for piece in store.scan(gallery) for row in piece]
        named = [row for row in store.rows(gallery, list(records)) if row is not None]
        for row in scanned + named:
            if isinstance(row, DamagedRow):
                continue
            written = records[row.record.tracklet_id]
            assert row.record.embedding.tobytes() == written.embedding.tobytes()
            assert row.record.metadata == written.metadata
            assert row.record.seq == written.seq
        store.state(gallery), store.log(gallery, after=0, limit=99), store.aliases()
        return sum(isinstance(row, DamagedRow) for row in scanned), len(scanned)
    finally:
        store.close()


def test_a_bit_flipped_in_a_row_spoils_that_row_only(tmp_path):
    path = tmp_path / "gallery.sqlite3"
    gallery, records = filled(path)
    seed = int.from_bytes(os.urandom(4), "big")
    print(f"seed {seed}")
    chooser, content = random.Random(seed), path.read_bytes()
    for _ in range(rounds(40, 2000)):
        name = chooser.choice(sorted(records))
        start = content.index(records[name].embedding.astype("<f2").tobytes())
        flipped = bytearray(content)
        flipped[start + chooser.randrange(64)] ^= 1 << chooser.randrange(8)
        path.write_bytes(flipped)
        assert read_all(path, gallery, records) == (1, len(records))
        store = opened(path)
        (row,) = store.rows(gallery, [name])
        assert row == DamagedRow(name, "the checksum does not match")
        store.close()


def test_a_bit_flipped_anywhere_brings_no_wrong_row_and_no_unknown_error(tmp_path):
    path = tmp_path / "gallery.sqlite3"
    gallery, records = filled(path)
    seed = int.from_bytes(os.urandom(4), "big")
    print(f"seed {seed}")
    chooser, content = random.Random(seed), path.read_bytes()
    outcomes = {"read": 0, "refused": 0}
    for _ in range(rounds(60, 5000)):
        position = chooser.randrange(8 * len(content))
        flipped = bytearray(content)
        flipped[position // 8] ^= 1 << position % 8
        path.write_bytes(flipped)
        try:
            read_all(path, gallery, records)
            outcomes["read"] += 1
        except ReidError:
            outcomes["refused"] += 1
        for side in ("-wal", "-shm"):
            path.with_name(path.name + side).unlink(missing_ok=True)
    assert outcomes["read"] > 0


def test_a_file_cut_short_brings_no_wrong_row_and_no_unknown_error(tmp_path):
    path = tmp_path / "gallery.sqlite3"
    gallery, records = filled(path)
    content = path.read_bytes()
    steps = rounds(30, len(content) // 512)
    for cut in sorted({len(content) * step // steps for step in range(steps)} | {1, 99, 100}):
        path.write_bytes(content[:cut])
        with pytest.raises(ReidError):
            read_all(path, gallery, records)
        for side in ("-wal", "-shm"):
            path.with_name(path.name + side).unlink(missing_ok=True)


def test_a_write_ahead_log_cut_in_its_last_write_has_lost_that_write_and_no_other(tmp_path):
    path = tmp_path / "first" / "gallery.sqlite3"
    store = opened(path)
    gallery = store.create_gallery("default", SPEC).gallery_id
    log = path.with_name(path.name + "-wal")
    for number in range(4):
        write(store, gallery, *[upsert(f"{number}-{row}", row) for row in range(40)])
    before, start = store.state(gallery), log.stat().st_size
    write(store, gallery, upsert("0-0", 99), Delete("0-1"), *[upsert(f"n{n}") for n in range(40)])
    after, main, whole = store.state(gallery), path.read_bytes(), log.read_bytes()
    store.close()
    assert len(whole) > start + 8192
    step = rounds(997, 61)
    for number, cut in enumerate([*range(start, len(whole), step), len(whole) - 1, len(whole)]):
        copy = tmp_path / f"{number}" / "gallery.sqlite3"
        copy.parent.mkdir()
        copy.write_bytes(main)
        copy.with_name(log.name).write_bytes(whole[:cut])
        again = opened(copy)
        rows, state = held(again, gallery), again.state(gallery)
        assert state == (after if cut == len(whole) else before), cut
        assert state.digest == digest_by_hand(rows)
        assert len(again.log(gallery, after=0, limit=99)) == state.seq
        again.close()


@pytest.fixture
def full_disk(tmp_path):
    """A store on a disk that is full, its gallery, and what fills the disk."""
    with small_disk(tmp_path / "disk", 32 * 2**20) as disk:
        store = opened(disk / "gallery.sqlite3")
        gallery = store.create_gallery("default", SPEC).gallery_id
        write(store, gallery, *[upsert(f"first-{row}", row, identity="p") for row in range(200)])
        filler, acknowledged = fill(disk, leave_bytes=600_000), 0
        with pytest.raises(CapacityExceeded) as caught:  # noqa: PT012 until it is full
            while True:
                name = f"batch-{acknowledged}"
                write(store, gallery, *[upsert(f"{name}-{row}", row) for row in range(100)])
                acknowledged += 1
        assert caught.value.received == "a full one; nothing was written"
        assert acknowledged > 0
        yield store, gallery, filler, acknowledged
        store.close()


def test_on_a_full_disk_nothing_is_half_written_and_deletions_go_on(full_disk):
    store, gallery, filler, acknowledged = full_disk
    rows = held(store, gallery)
    assert len(rows) == 200 + 100 * acknowledged
    assert store.state(gallery).digest == digest_by_hand(rows)
    store.begin_erasure(receipt(gallery))
    fill(filler.parent, name="more")
    for row in range(200):
        assert write(store, gallery, Delete(f"first-{row}")).outcomes == ("deleted",)
    assert not (filler.parent / RESERVE_FILE).exists(), "it would have gone well without"
    fill(filler.parent, name="and what the reserve gave")
    for row in range(100):
        assert write(store, gallery, Delete(f"batch-0-{row}")).outcomes == ("deleted",)
    store.save_receipt(receipt(gallery, tracklets=200))
    store.audit([AuditEntry(1.0, "a", "erase", "default", "p", None, None)])
    assert store.state(gallery).tracklets == 100 * (acknowledged - 1)
    with pytest.raises(CapacityExceeded):
        write(store, gallery, upsert("new"))
    assert store.state(gallery).tracklets == 100 * (acknowledged - 1)
    for name in ("filler", "more", "and what the reserve gave"):
        (filler.parent / name).unlink()
    assert write(store, gallery, upsert("new")).outcomes == ("created",)
    store.purge()
    assert store.state(gallery).digest == digest_by_hand(held(store, gallery))


def test_a_store_opens_on_a_full_disk_and_has_what_it_acknowledged(full_disk):
    store, gallery, filler, acknowledged = full_disk
    write(store, gallery, Delete("first-0"))
    before = store.state(gallery)
    store.close()
    fill(filler.parent, name="more")
    again = opened(store._path)
    assert again.state(gallery) == before
    assert len(held(again, gallery)) == 199 + 100 * acknowledged
    again.close()


def test_a_purge_without_space_says_so_and_can_be_repeated(full_disk):
    store, gallery, filler, _ = full_disk
    write(store, gallery, *[Delete(f"first-{row}") for row in range(200)])
    fill(filler.parent, name="more")
    with pytest.raises(CapacityExceeded):
        store.purge()
    (filler.parent / "more").unlink()
    filler.unlink()
    store.purge()
    content = store._path.read_bytes()
    assert unit(150).astype("<f2").tobytes() not in content


def test_a_disk_that_cannot_be_written_is_named(tmp_path):
    with small_disk(tmp_path / "disk", 32 * 2**20) as disk:
        filled(disk / "gallery.sqlite3")
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        with pytest.raises(StoreUnavailable) as caught:
            SqliteGalleryStore(disk / "gallery.sqlite3").open()
        assert caught.value.expected == f"a data directory at {disk} that can be written"
        assert caught.value.received == "Read-only file system"
        assert "owner and permissions" in caught.value.remedy


def test_a_directory_that_another_process_has_is_refused_until_that_ends(tmp_path):
    path = tmp_path / "data" / "gallery.sqlite3"
    program = (
        "import sys, pathlib; from service.gallery.stores.sqlite_gallery_store import *;"
        "SqliteGalleryStore(pathlib.Path(sys.argv[1])).open();"
        "print('open', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program, path]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, **pipes) as other:
        assert other.stdout.readline() == b"open\n"
        store = SqliteGalleryStore(path)
        with pytest.raises(StoreUnavailable) as caught:
            store.open()
        assert caught.value.received == "one that another process has locked"
        other.kill()
        other.wait(10)
    store.open()
    gallery = store.create_gallery("default", SPEC).gallery_id
    write(store, gallery, upsert("a", 1))
    assert np.abs(held(store, gallery)["a"].embedding - unit(1)).max() < 1e-3
    store.close()
