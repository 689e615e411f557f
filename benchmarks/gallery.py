"""The gallery at one size: enrolling, searching beside raw FAISS and NumPy, deleting, restarting.

    python -m benchmarks.gallery --rows 100000 --json

Embeddings are random. What is measured, all in one run:

* `enroll_rows_per_s`: rows made durable by `GalleryStore.write`: one at a time by four writers,
  which is what many clients do, and 256 at a time by one, which is what a stream of lines does.
  Rows are checked and packed in the time measured. The store that is searched afterwards holds all
  rows; the other, as many as `--enrolled` says.
* `delete_to_invisible_ms`: from before the write of a deletion until a search that starts now
  cannot find the tracklet any more, which is when the service acknowledges it; median.
* `restart_s`: until searches are answered, from the newest snapshot and from the store alone.
* `search_*`: see `benchmarks.gallery_search`, which makes a gallery of this size of its own.
"""

import argparse
import itertools
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.gallery_search import GallerySearch
from benchmarks.gallery_search import measure as measure_searches
from benchmarks.running_redis import running_redis
from service.gallery.records import TrackletMetadata, check_embedding
from service.gallery.replica.replica import GalleryReplica
from service.gallery.stores.batch import Batch, Delete, Upsert
from service.gallery.stores.protocol import GalleryInfo, GalleryModel, GallerySpec, GalleryStore
from service.gallery.stores.redis_gallery_store import RedisGalleryStore
from service.gallery.stores.sqlite_gallery_store import SqliteGalleryStore

WRITERS_OF_ONE = 4
BATCH = 256
SINGLES = 1000
DELETIONS = 50
_VISIBLE_WITHIN_S = 60.0

_Drawn = tuple[int, NDArray[np.float32]]
"""The number of a row, and its embedding [d] of any length."""


@dataclass(frozen=True)
class Options:
    """How to measure.

    Attributes:
        dimension: Values of an embedding.
        enrolled: Rows of the enrolment that is measured in the store that is not searched.
        threads: Of one search.
        searched_store: Holds all rows: `sqlite` or `redis`.
    """

    dimension: int
    enrolled: int
    threads: int
    searched_store: str


@dataclass(frozen=True)
class EnrollRates:
    """Durable rows a second; the number says how many share a write."""

    sqlite_1: float
    sqlite_256: float
    redis_1: float
    redis_256: float


@dataclass(frozen=True)
class RestartTimes:
    """Seconds until searches are answered."""

    snapshot: float
    store: float


@dataclass(frozen=True)
class Figures:
    """Everything at one size."""

    rows: int
    dimension: int
    searches: GallerySearch
    enroll_rows_per_s: EnrollRates
    delete_to_invisible_ms: float
    restart_s: RestartTimes


def measure(rows: int, options: Options) -> Figures:
    """Every figure at this size."""
    held = _held_figures(rows, options)
    # The replica of those figures is gone: its memory is the searches' to use.
    searches = measure_searches(rows, options.dimension, threads=options.threads)
    return Figures(rows, options.dimension, searches, *held)


def _held_figures(rows: int, options: Options) -> tuple[EnrollRates, float, RestartTimes]:
    spec = GallerySpec(GalleryModel("benchmark", options.dimension))
    with tempfile.TemporaryDirectory() as directory, running_redis() as url:
        sqlite = SqliteGalleryStore(Path(directory) / "store" / "gallery.sqlite3")
        redis = RedisGalleryStore(url)
        searched = redis if options.searched_store == "redis" else sqlite
        rates: list[float] = []
        for store in (sqlite, redis):
            store.open()
            info = store.create_gallery("benchmark", spec)
            count = rows if store is searched else min(rows, options.enrolled)
            rates += [
                _enroll_rate(store, info, SINGLES, 1),
                _enroll_rate(store, info, count, BATCH),
            ]
        try:
            return (EnrollRates(*rates), *_replica_figures(searched, Path(directory) / "snapshots"))
        finally:
            sqlite.close()
            redis.close()


def _replica_figures(store: GalleryStore, snapshots: Path) -> tuple[float, RestartTimes]:
    (info,) = store.galleries()
    from_store, replica = _started(store, info, snapshots)
    # Stopping writes the snapshot that the next start reads.
    replica.stop()
    from_snapshot, replica = _started(store, info, snapshots)
    try:
        return _deletion_ms(store, replica), RestartTimes(from_snapshot, from_store)
    finally:
        replica.stop()


def _started(
    store: GalleryStore, info: GalleryInfo, snapshots: Path
) -> tuple[float, GalleryReplica]:
    """Seconds until the replica answered, and the replica."""
    replica = GalleryReplica(store, info, snapshot_dir=snapshots, name="benchmark")
    began = time.perf_counter()
    replica.start()
    replica.view()
    return time.perf_counter() - began, replica


def _deletion_ms(store: GalleryStore, replica: GalleryReplica) -> float:
    names = replica.view().ids_of(np.arange(DELETIONS))
    taken = []
    for name in names:
        began = time.perf_counter()
        written = store.write(replica.info.gallery_id, Batch((Delete(name),)))
        replica.wait_for(written.seq, _VISIBLE_WITHIN_S)
        taken.append(1e3 * (time.perf_counter() - began))
        if replica.view().row_of(name) is not None:
            raise RuntimeError(f"expected {name} to be invisible, received a row of it")
    return statistics.median(taken)


def _enroll_rate(store: GalleryStore, info: GalleryInfo, rows: int, size: int) -> float:
    """Rows a second that writes of `size` rows make durable."""
    drawn = _drawn_batches(rows, size, info.spec.model.dimension)
    drawing_s = writing_s = 0.0
    with ThreadPoolExecutor(WRITERS_OF_ONE if size == 1 else 1) as writers:
        while True:
            began = time.perf_counter()
            # Drawn in pieces: a million embeddings would take the memory that is measured.
            piece = list(itertools.islice(drawn, 4 * WRITERS_OF_ONE))
            drawing_s += time.perf_counter() - began
            if not piece:
                return rows / writing_s
            began = time.perf_counter()
            list(writers.map(lambda batch: _write(store, info, batch), piece))
            writing_s += time.perf_counter() - began


def _drawn_batches(rows: int, size: int, dimension: int) -> Iterator[list[_Drawn]]:
    random = np.random.default_rng(0)
    for first in range(0, rows, size):
        numbers = range(first, min(first + size, rows))
        drawn = random.standard_normal((len(numbers), dimension), dtype=np.float32)
        yield list(zip(numbers, drawn, strict=True))


def _write(store: GalleryStore, info: GalleryInfo, batch: list[_Drawn]) -> None:
    """One write: each tenth row is of one camera, each hundredth of one identity."""
    changes = tuple(
        Upsert(
            f"tracklet-{number}",
            check_embedding(embedding, info.spec.model.dimension),
            TrackletMetadata(identity=f"person-{number % 100}", camera=f"camera-{number % 10}"),
        )
        for number, embedding in batch
    )
    store.write(info.gallery_id, Batch(changes))


def main(arguments: list[str]) -> None:
    """Measure at each size and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gallery")
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--dimension", type=int, default=512)
    parser.add_argument("--enrolled", type=int, default=50_000)
    parser.add_argument("--threads", type=int, default=2, help="of one search")
    parser.add_argument("--searched-store", choices=["sqlite", "redis"], default="sqlite")
    parser.add_argument("--json", action="store_true", help="one object for each size")
    chosen = parser.parse_args(arguments)
    options = Options(chosen.dimension, chosen.enrolled, chosen.threads, chosen.searched_store)
    for rows in chosen.rows:
        figures = measure(rows, options)
        print(json.dumps(as_json(figures)) if chosen.json else as_text(figures), flush=True)


def as_json(figures: Figures) -> dict[str, object]:
    """The figures in the form that is compared from release to release."""
    searches = figures.searches
    return {
        "rows": figures.rows,
        "dimension": figures.dimension,
        "search_ratio_to_faiss": searches.ratios(1),
        "search_ratio_to_faiss_64": searches.ratios(64),
        "search_p50_ms": searches.p50_ms(1),
        "enroll_rows_per_s": {
            name: round(rate) for name, rate in asdict(figures.enroll_rows_per_s).items()
        },
        "delete_to_invisible_ms": round(figures.delete_to_invisible_ms, 2),
        "restart_s": {name: round(s, 2) for name, s in asdict(figures.restart_s).items()},
        "bandwidth_share": searches.bandwidth_share,
        "sgemm_share_64": searches.sgemm_share,
        "searches": [asdict(times) for times in searches.times],
    }


def as_text(figures: Figures) -> str:
    """The same for people, a line each."""
    lines = [f"{figures.rows:,} rows of {figures.dimension}"]
    for name, value in as_json(figures).items():
        if name not in {"rows", "dimension", "searches"}:
            lines.append(f"  {name.replace('_', ' ')}: {json.dumps(value)}")
    return "\n".join(lines)


if __name__ == "__main__":
    main(sys.argv[1:])
