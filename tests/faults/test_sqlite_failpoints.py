"""kill -9 around a commit of SQLite: before it nothing is kept, after it the write is whole."""

import os
import signal
import subprocess
import sys

import pytest

from service.gallery.failpoints import VARIABLE
from service.gallery.stores.batch import IdempotencyKey
from service.gallery.stores.sqlite_gallery_store import SqliteGalleryStore
from tests.gallery_stores import SPEC, digest_by_hand, held, upsert, write
from tests.live_service import ROOT

WRITES = 20
KEPT = {"sqlite.before_commit": 0, "sqlite.committed": 1}
"""Writes that are there though nobody was told."""

PROGRAM = f"""
import pathlib, sys
from tests.faults.test_sqlite_failpoints import *

store = SqliteGalleryStore(pathlib.Path(sys.argv[1]))
store.open()
gallery = store.create_gallery("staff", SPEC).gallery_id
for number in range({WRITES}):
    write_pair(store, gallery, number)
    print("acknowledged", flush=True)
"""


def write_pair(store, gallery, number):
    """A write of two tracklets, with a key of its own."""
    pair = [upsert(f"{name}{number}", number) for name in "ab"]
    return write(store, gallery, *pair, key=IdempotencyKey(f"{number}", f"{number}"))


@pytest.mark.parametrize("failpoint", sorted(KEPT))
def test_after_kill_9_a_write_is_whole_or_absent_and_its_key_tells_which(tmp_path, failpoint):
    database = tmp_path / "gallery.sqlite3"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, database],
        cwd=ROOT,
        env={**os.environ, VARIABLE: f"{failpoint}:kill@12"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    acknowledged = len(done.stdout.splitlines())
    assert 0 < acknowledged < WRITES
    writes = acknowledged + KEPT[failpoint]

    store = SqliteGalleryStore(database)
    store.open()
    gallery = store.create_gallery("staff", SPEC).gallery_id
    rows = held(store, gallery)
    assert set(rows) == {f"{name}{number}" for name in "ab" for number in range(writes)}
    assert store.state(gallery).seq == writes
    assert store.state(gallery).digest == digest_by_hand(rows)
    repeated = write_pair(store, gallery, acknowledged)
    assert (repeated.seq, repeated.repeated) == (acknowledged + 1, bool(KEPT[failpoint]))
    store.close()
