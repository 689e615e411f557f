"""Threads that write to a SQLite store until they are killed, each with a diary of its own.

Run as `python -m tests.faults.sqlite_writer DATABASE DIARIES SEED`. A line is on disk before its
write begins, and another after it was acknowledged. Each thread writes all of its own tracklets
with one version, or deletes all, so that half a batch would show.
"""

import os
import random
import sys
import threading
from pathlib import Path

from service.gallery.stores.batch import Delete, IdempotencyKey
from service.gallery.stores.sqlite_gallery_store import SqliteGalleryStore
from tests.gallery_stores import SPEC, upsert, write

THREADS = 4
TRACKLETS = 7


def names_of(thread: int) -> list[str]:
    return [f"{thread}-{number}" for number in range(TRACKLETS)]


def changes_of(thread: int, version: int) -> list:
    """Version 0 deletes; any other is held by each row's embedding and attributes alike."""
    if version == 0:
        return [Delete(name) for name in names_of(thread)]
    return [upsert(name, version, attributes={"version": version}) for name in names_of(thread)]


def key_of(thread: int, number: int) -> IdempotencyKey:
    return IdempotencyKey(f"{thread}-{number}", str(number))


def write_on(store: SqliteGalleryStore, diary: Path, thread: int, seed: int) -> None:
    chooser = random.Random(seed * THREADS + thread)
    gallery = store.create_gallery("default", SPEC).gallery_id
    number = len(diary.read_text().splitlines()) if diary.exists() else 0
    descriptor = os.open(diary, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def note(*words: object) -> None:
        os.write(descriptor, (" ".join(map(str, words)) + "\n").encode())
        os.fsync(descriptor)

    while True:
        number += 1
        version = chooser.choice([0, *[chooser.randrange(1, 10**6) for _ in range(4)]])
        note("try", number, version)
        changes = changes_of(thread, version)
        written = write(store, gallery, *changes, key=key_of(thread, number))
        note("ok", written.seq)


if __name__ == "__main__":
    opened = SqliteGalleryStore(Path(sys.argv[1]))
    opened.open()
    for thread_number in range(THREADS):
        own = Path(sys.argv[2]) / f"{thread_number}"
        threading.Thread(
            target=write_on, args=(opened, own, thread_number, int(sys.argv[3]))
        ).start()
