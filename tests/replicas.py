"""Replicas of a gallery in a test: a store that can be cut off, clocks that can be set, waiting."""

import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random

from hypothesis import settings

from service.gallery.filter_tree import EVERYTHING
from service.gallery.gallery_errors import StoreUnavailable
from service.gallery.index.gallery_index import GalleryIndex
from service.gallery.index.view import View
from service.gallery.replica.replica import GalleryReplica
from service.gallery.replica.replica_options import ReplicaOptions
from service.gallery.stores.batch import Delete, Upsert
from service.gallery.stores.protocol import GalleryInfo, GalleryStore
from service.gallery.stores.row_codec import pack_body, pack_row, unpack_row
from tests.gallery_stores import DIMENSION, upsert, write

QUICK = ReplicaOptions(
    heartbeat_s=0.05,
    wait_s=0.05,
    retry_s=0.02,
    rescan_s=0.05,
    snapshot_every_s=1000.0,
    mark_every_s=0.05,
)
"""As in service, but twenty times as often, and without snapshots that nobody asked for."""

PATIENCE_S = 20.0

WITH_DISK = settings(max_examples=40)
"""Each example writes to a real disk, and waits for it."""


class CutStore:
    """A store whose every call fails while it is cut off, and whose answers can be changed."""

    def __init__(self, store: GalleryStore) -> None:
        self.store = store
        self.is_cut = False
        self.answers: dict[str, Callable[..., object]] = {}

    def __getattr__(self, name: str) -> object:
        def call(*given: object, **named: object) -> object:
            if self.is_cut:
                raise StoreUnavailable(
                    expected="a store that answers", received="none", remedy="wait"
                )
            real = getattr(self.store, name)
            changed = self.answers.get(name)
            return real(*given, **named) if changed is None else changed(real, *given, **named)

        return call


class SetClock:
    """Monotonic seconds that pass only when told to."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def until(holds: Callable[[], object], within_s: float = PATIENCE_S) -> None:
    """Wait for something that another thread brings about."""
    end_s = time.monotonic() + within_s
    while not holds():
        if time.monotonic() >= end_s:
            raise AssertionError("it did not come about in time")
        time.sleep(0.005)


@contextmanager
def started(
    store: GalleryStore,
    info: GalleryInfo,
    directory: Path,
    name: str = "one",
    *,
    options: ReplicaOptions = QUICK,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[GalleryReplica]:
    """A started replica; stopped at the end."""
    replica = GalleryReplica(
        store, info, snapshot_dir=directory, name=name, options=options, clock=clock
    )
    replica.start()
    try:
        yield replica
    finally:
        replica.stop()


def index_of(changes: Sequence[Upsert]) -> GalleryIndex:
    """An index of these rows, all of write 1."""
    rows = []
    for change in changes:
        body = pack_body(change.tracklet_id, change.embedding, change.metadata, enrolled_s=1.0)
        rows.append(unpack_row(change.tracklet_id, pack_row(change.tracklet_id, body, seq=1)))
    index = GalleryIndex("g1", DIMENSION)
    index.apply(rows, [], seq=1, chain="x" * 40)
    return index


def ids_in(view: View) -> list[str]:
    """Ids of all rows, in order."""
    return sorted(view.ids(view.select(EVERYTHING, now_s=-math.inf)))


def fill(store: GalleryStore, info: GalleryInfo, count: int, first: int = 0) -> None:
    """Enroll `t0`, `t1`, ... in writes of several."""
    changes = [
        upsert(f"t{number}", number, identity=f"p{number % 7}", camera="c")
        for number in range(first, first + count)
    ]
    for start in range(0, count, 100):
        write(store, info.gallery_id, *changes[start : start + 100])


class Writers:
    """Threads that enroll, replace and delete without pause until they are stopped."""

    def __init__(self, store: GalleryStore, info: GalleryInfo, count: int) -> None:
        self._stop = threading.Event()
        self.errors: list[Exception] = []
        self._threads = [
            threading.Thread(target=self._write, args=(store, info.gallery_id, number))
            for number in range(count)
        ]

    def __enter__(self) -> "Writers":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        if self.errors:
            raise self.errors[0]

    def _write(self, store: GalleryStore, gallery_id: str, number: int) -> None:
        random, turn = Random(number), 0
        try:
            while not self._stop.is_set():
                turn += 1
                name = f"w{random.randrange(40)}"
                if random.random() < 0.3:
                    write(store, gallery_id, Delete(name))
                else:
                    write(store, gallery_id, upsert(name, turn), upsert(f"x{number}", turn))
        except Exception as error:  # noqa: BLE001 the thread that started it raises it
            self.errors.append(error)
