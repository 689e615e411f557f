"""Sixteen threads on one index: writes, deletions, searches, listings and overwriting of the dead.

The embedding, the camera and an attribute of a row all name its version, so that a hit mixed of two
versions, or read while it was being written, would show. Briefly in `make test`, for a minute in
`make faults`.
"""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from service.gallery.filter_tree import EVERYTHING, Equals
from service.gallery.index.gallery_index import GalleryIndex
from service.gallery.index.scanner import Scanner
from service.gallery.records import TrackletMetadata
from tests.indexed_rows import DIMENSION, NOW_S, stored, vector
from tests.long_run import rounds
from tests.ranked_rows import cosine

SECONDS = rounds(4.0, 60.0)
THREADS = 16
TRACKLETS = 200
VERSIONS = 50
VECTORS = [vector(version) for version in range(VERSIONS)]
QUERIES = [vector(1000 + number) for number in range(8)]
SIMILARITY = [[cosine(held, query) for query in QUERIES] for held in VECTORS]


@dataclass
class Bench:
    """The index, and what has been acknowledged about it."""

    index: GalleryIndex
    until: float
    written: dict[str, int] = field(default_factory=dict)
    """From an id to the seq of its last acknowledged write, negative for a deletion."""
    seq: int = 0
    writing: threading.Lock = field(default_factory=threading.Lock)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def goes_on(self) -> bool:
        return time.monotonic() < self.until

    def write(self, chooser) -> None:
        """One write by whoever's turn it is: the index takes one writer at a time."""
        with self.writing:
            self.seq += 1
            numbers = chooser.permutation(TRACKLETS)[:6].tolist()
            put = [self._row(number, chooser) for number in numbers[:4]]
            gone = [f"t{number}" for number in numbers[4:]]
            self.index.apply(put, gone, seq=self.seq, chain=f"{self.seq}")
            with self.lock:
                self.written |= {row.record.tracklet_id: self.seq for row in put}
                self.written |= dict.fromkeys(gone, -self.seq)

    def _row(self, number, chooser):
        version = int(chooser.integers(VERSIONS))
        known = TrackletMetadata(
            f"p{version}", f"c{version}", attributes={"version": version, f"a{version % 7}": True}
        )
        return stored(f"t{number}", (VECTORS[version], known), self.seq)

    def acknowledged(self) -> dict[str, int]:
        with self.lock:
            return dict(self.written)


def write(bench, seed):
    chooser = np.random.default_rng(seed)
    while bench.goes_on():
        bench.write(chooser)
        time.sleep(0)


def overwrite(bench, _seed):
    times = 0
    while bench.goes_on():
        with bench.writing:
            times += bench.index.zero_dead_slots(wait_s=2)
        time.sleep(0.1)
    return times


def search(bench, seed):
    chooser = np.random.default_rng(seed)
    searches = 0
    while bench.goes_on():
        before = bench.acknowledged()
        view = bench.index.view
        camera = f"c{chooser.integers(VERSIONS)}"
        for chosen, k in ((EVERYTHING, 1000), (EVERYTHING, 5), (Equals("camera", (camera,)), 50)):
            selection = view.select(chosen, now_s=NOW_S)
            found = view.nearest(np.array(QUERIES[: 1 + seed % 4]), selection, k)
            for query, hits in enumerate(found):
                assert len(hits) == min(k, selection.count)
                check(hits, query, before, chosen)
                if k == 1000 and view.state.seq == max(map(abs, before.values()), default=0):
                    # No write came between: exactly what was acknowledged is found.
                    living = {name for name, written in before.items() if written > 0}
                    assert {hit.tracklet_id for hit in hits} == living
        searches += 1
    return searches


def check(hits, query, before, chosen):
    """Nothing mixed, nothing that the filter forbids, nothing deleted before the search began."""
    assert len({hit.tracklet_id for hit in hits}) == len(hits)
    for hit in hits:
        version = hit.metadata.attributes["version"]
        assert hit.metadata == TrackletMetadata(
            f"p{version}", f"c{version}", attributes={"version": version, f"a{version % 7}": True}
        )
        assert hit.similarity == SIMILARITY[version][query]
        assert hit.seq >= abs(before.get(hit.tracklet_id, 0))
        assert chosen.matches(hit.tracklet_id, hit.metadata)
    order = [(-hit.similarity, hit.tracklet_id) for hit in hits]
    assert order == sorted(order)


def look_up(bench, seed):
    chooser = np.random.default_rng(seed)
    while bench.goes_on():
        before = bench.acknowledged()
        view = bench.index.view
        names = [f"t{number}" for number in chooser.permutation(TRACKLETS + 5)[:20].tolist()]
        rows = view.rows_of(names)
        assert view.ids_of(rows[rows >= 0]) == [
            name for name, row in zip(names, rows.tolist(), strict=True) if row >= 0
        ]
        for name, row in zip(names, rows.tolist(), strict=True):
            if row >= 0:
                [head] = view.heads(np.array([row]))
                version = head.metadata.attributes["version"]
                held = view.embeddings(np.array([row]))[0]
                assert held.tobytes() == VECTORS[version].tobytes()
                assert head.seq >= abs(before.get(name, 0))
        everything = view.select(EVERYTHING, now_s=NOW_S)
        assert everything.count == view.state.tracklets
        assert view.digest_of(everything.rows()) == view.state.digest
        assert sorted(view.ids(everything)) == sorted(set(view.ids(everything)))


def list_all(bench, seed):
    del seed
    while bench.goes_on():
        view = bench.index.view
        listed, after = [], None
        while page := view.page(EVERYTHING, after=after, limit=30, now_s=NOW_S):
            listed += page
            after = page[-1]
        assert listed == sorted(set(listed))
        held = set(view.living_ids())
        assert set(listed) <= held
        # Those that are missing have been deleted since: the order of ids is the latest.
        later = bench.acknowledged()
        assert all(later[name] < 0 or later[name] > view.state.seq for name in held - set(listed))


def test_sixteen_threads_never_see_a_torn_mixed_or_deleted_row():
    scanner = Scanner(2)
    index = GalleryIndex("gallery", DIMENSION, scanner=scanner, segment_rows=(64, 256))
    bench = Bench(index, time.monotonic() + SECONDS)
    works = [*[write] * 4, *[search] * 7, *[look_up] * 2, *[list_all] * 2, overwrite]
    assert len(works) == THREADS
    try:
        with ThreadPoolExecutor(THREADS) as pool:
            running = [pool.submit(work, bench, seed) for seed, work in enumerate(works)]
            results = [one.result() for one in running]
    finally:
        scanner.close()
    assert bench.seq > 20
    assert all(results[4:11])
    assert results[-1] > 0
    assert bench.index.zero_dead_slots()
    held = {name for name, written in bench.acknowledged().items() if written > 0}
    assert set(bench.index.view.living_ids()) == held
