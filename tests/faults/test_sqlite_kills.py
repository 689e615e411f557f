"""kill -9 while threads write: what was acknowledged is there, whole, and nothing else is.

Each round goes on with the data of the one before. The diaries of the writers are the oracle; each
may have been killed in one write, which is there whole or not at all, and whose repetition with
its key makes it so exactly once.
"""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np

from service.gallery.stores.sqlite_gallery_store import SqliteGalleryStore
from tests.faults.sqlite_writer import THREADS, changes_of, key_of, names_of
from tests.first_release_store import write_first_release
from tests.gallery_stores import MODEL, SPEC, digest_by_hand, held, unit, upsert, write
from tests.long_run import rounds
from tests.service.gallery.stores.test_sqlite_migration import record

ROOT = Path(__file__).resolve().parent.parent.parent
RECORDS = 1000


def kill_writers(database: Path, diaries: Path, seed: int) -> None:
    """Run the writers and kill them at a random moment after each has begun."""
    before = {path.name: path.stat().st_size for path in diaries.iterdir()}
    command = [sys.executable, "-m", "tests.faults.sqlite_writer", database, diaries, str(seed)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE) as writers:
        deadline_s = time.monotonic() + 60
        while not all(
            (diaries / f"{thread}").exists()
            and (diaries / f"{thread}").stat().st_size > before.get(f"{thread}", 0) + 60
            for thread in range(THREADS)
        ):
            assert writers.poll() is None, writers.stderr.read().decode()
            assert time.monotonic() < deadline_s, "the writers wrote nothing in 60 s"
            time.sleep(0.005)
        time.sleep(random.Random(seed).uniform(0, 0.4))
        os.kill(writers.pid, signal.SIGKILL)
        assert writers.wait(10) == -signal.SIGKILL


def read_diary(path: Path) -> tuple[int, tuple[int, int] | None, int]:
    """Version acknowledged last, number and version of one in flight, and how many were."""
    version, trying, acknowledged = 0, None, 0
    for line in path.read_text().splitlines():
        kind, *numbers = line.split()
        if kind == "try":
            trying = (int(numbers[0]), int(numbers[1]))
        else:
            version, trying, acknowledged = trying[1], None, acknowledged + 1
    return version, trying, acknowledged


def held_version(rows, thread: int) -> int:
    """The one version of all rows of a thread; 0 when there is none of them."""
    own = [rows.get(name) for name in names_of(thread)]
    if not any(own):
        return 0
    versions = {row.metadata.attributes["version"] for row in own}
    seqs = {row.seq for row in own}
    assert len(versions) == len(seqs) == 1, "half a batch"
    (version,) = versions
    expected = unit(version).astype(np.float16).astype(np.float32)
    assert all(np.array_equal(row.embedding, expected) for row in own)
    return version


def check_whole(store, gallery: str) -> None:
    """State, digest and chain agree with the rows."""
    rows, state = held(store, gallery), store.state(gallery)
    assert (state.tracklets, state.digest) == (len(rows), digest_by_hand(rows))
    chain, seq = store.entry_hash(gallery, 0), 0
    while entries := store.log(gallery, after=seq, limit=1000):
        for entry in entries:
            assert entry.continues(seq, chain)
            seq, chain = entry.seq, entry.hash
    assert (seq, chain) == (state.seq, state.chain)


def settle(store, gallery: str, thread: int, diary: Path) -> int:
    """Check what is held of one writer, end the write that it was killed in, and note that."""
    version, trying, acknowledged = read_diary(diary)
    rows = held(store, gallery)
    if trying is None:
        assert held_version(rows, thread) == version
        return acknowledged
    number, tried = trying
    found = held_version(rows, thread)
    assert found in {version, tried}
    again = write(store, gallery, *changes_of(thread, tried), key=key_of(thread, number))
    if tried not in {0, version}:
        assert again.repeated == (found == tried)
    assert held_version(held(store, gallery), thread) == tried
    with diary.open("a") as file:
        file.write(f"ok {again.seq}\n")
    return acknowledged


def test_acknowledged_writes_survive_kill_and_nothing_else_appears(tmp_path):
    first_seed = int.from_bytes(os.urandom(4), "big")
    database, diaries = tmp_path / "data" / "gallery.sqlite3", tmp_path / "diaries"
    diaries.mkdir()
    acknowledged = 0
    for seed in range(first_seed, first_seed + rounds(5, 100)):
        print(f"seed {seed}")
        kill_writers(database, diaries, seed)
        store = SqliteGalleryStore(database)
        store.open()
        gallery = store.create_gallery("default", SPEC).gallery_id
        check_whole(store, gallery)
        of_threads = [
            settle(store, gallery, thread, diaries / f"{thread}") for thread in range(THREADS)
        ]
        check_whole(store, gallery)
        store.close()
        assert sum(of_threads) > acknowledged
        acknowledged = sum(of_threads)
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_a_migration_that_is_killed_is_whole_or_has_not_begun(tmp_path):
    seed = int.from_bytes(os.urandom(4), "big")
    print(f"seed {seed}")
    chooser = random.Random(seed)
    records = [record(f"t{number}", number, number + 1, identity="p") for number in range(RECORDS)]
    program = (
        "import sys, pathlib; from service.gallery.stores.sqlite_gallery_store import *;"
        "print('begun', flush=True); SqliteGalleryStore(pathlib.Path(sys.argv[1])).open()"
    )
    for number in range(rounds(3, 60)):
        path = tmp_path / f"{number}" / "gallery.sqlite3"
        write_first_release(path, {"default": (MODEL, RECORDS, records)})
        command = [sys.executable, "-c", program, path]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
            assert process.stdout.readline() == b"begun\n"
            time.sleep(chooser.uniform(0, 0.4))
            process.kill()
            process.wait(10)
        store = SqliteGalleryStore(path)
        store.open()
        gallery = store.create_gallery("default", SPEC).gallery_id
        assert set(held(store, gallery)) == {old.tracklet_id for old in records}
        check_whole_after_migration(store, gallery)
        store.close()


def check_whole_after_migration(store, gallery: str) -> None:
    state = store.state(gallery)
    assert (state.seq, state.tracklets) == (RECORDS, RECORDS)
    assert state.digest == digest_by_hand(held(store, gallery))
    assert write(store, gallery, upsert("new")).seq == RECORDS + 1
