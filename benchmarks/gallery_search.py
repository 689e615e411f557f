"""Exact searches of a gallery beside FAISS at its best settings and beside NumPy.

    python -m benchmarks.gallery_search --rows 100000 --dimension 512 --json

Every way answers the same queries in turn, so that other work on the machine slows all of them.
FAISS is `IndexFlatIP` with its BLAS threshold lowered and a ready bitmap; the gallery starts from a
ready selection and ends with the metadata of its hits. Selecting is timed by itself.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial

import faiss
import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from benchmarks.made_gallery import CAMERAS, made_gallery
from service.gallery.filter_tree import EVERYTHING, Equals, Filter
from service.gallery.index.scanner import Scanner
from service.gallery.index.view import View

SELECTED_PERCENT = (100, 10, 1)
BATCHES = (1, 64)
TOP_K = 10

Vectors = NDArray[np.float32]
Answer = Callable[[], object]


@dataclass(frozen=True, slots=True)
class SearchTimes:
    """Milliseconds of one search for some queries under one filter.

    Attributes:
        selected_percent: Share of the rows that pass the filter.
        ratio_to_faiss: Median of the gallery over that of FAISS.
    """

    queries: int
    selected_percent: int
    ratio_to_faiss: float
    p50_ms: float
    p99_ms: float
    faiss_p50_ms: float
    numpy_p50_ms: float
    select_p50_ms: float


@dataclass(frozen=True, slots=True)
class GallerySearch:
    """What was measured.

    Attributes:
        bandwidth_share: Of the measured memory bandwidth, by one query over all rows.
        sgemm_share: Of the measured rate of matrix products, by 64 queries over all rows.
    """

    rows: int
    dimension: int
    threads: int
    times: tuple[SearchTimes, ...]
    bandwidth_gb_per_s: float
    bandwidth_share: float
    sgemm_gflop_per_s: float
    sgemm_share: float

    def ratios(self, queries: int) -> dict[str, float]:
        """From the selected percent to `ratio_to_faiss`."""
        return {
            str(times.selected_percent): times.ratio_to_faiss
            for times in self.times
            if times.queries == queries
        }

    def p50_ms(self, queries: int) -> dict[str, float]:
        """From the selected percent to the median time."""
        return {
            str(times.selected_percent): times.p50_ms
            for times in self.times
            if times.queries == queries
        }


def measure(rows: int, dimension: int, *, threads: int, rounds: int = 30) -> GallerySearch:
    """Time every batch and filter in turn."""
    scanner = Scanner(threads)
    try:
        view = made_gallery(rows, dimension, scanner=scanner).view
        faiss.omp_set_num_threads(threads)
        before = faiss.cvar.distance_compute_blas_threshold
        faiss.cvar.distance_compute_blas_threshold = 4
        try:
            times = _Contest(view, rounds).times()
        finally:
            faiss.cvar.distance_compute_blas_threshold = before
        bandwidth = _bandwidth_gb_per_s(threads)
        sgemm = _sgemm_gflop_per_s(threads)
    finally:
        scanner.close()
    whole = {found.queries: found for found in times if found.selected_percent == 100}
    read_gb = 4e-9 * rows * dimension
    products_gflop = 2e-9 * rows * dimension * BATCHES[1]
    return GallerySearch(
        rows,
        dimension,
        threads,
        times,
        bandwidth,
        round(read_gb / (1e-3 * whole[1].p50_ms) / bandwidth, 3),
        sgemm,
        round(products_gflop / (1e-3 * whole[BATCHES[1]].p50_ms) / sgemm, 3),
    )


class _Contest:
    """One gallery, and its embeddings in the arrays of the others."""

    def __init__(self, view: View, rounds: int) -> None:
        self._view = view
        self._rounds = rounds
        everything = view.select(EVERYTHING, now_s=0.0)
        self._vectors = np.array(view.embeddings(everything.rows()))
        self._index = faiss.IndexFlatIP(view.dimension)
        self._index.add(self._vectors)
        rng = np.random.default_rng(1)
        near = self._vectors[rng.integers(0, len(self._vectors), max(BATCHES))]
        noise = rng.standard_normal(near.shape, dtype=np.float32) / view.dimension**0.5
        queries = near + noise
        self._queries = queries / np.linalg.norm(queries, axis=1, keepdims=True)

    def times(self) -> tuple[SearchTimes, ...]:
        return tuple(
            self._timed(self._queries[:batch], percent)
            for batch in BATCHES
            for percent in SELECTED_PERCENT
        )

    def _timed(self, queries: Vectors, percent: int) -> SearchTimes:
        chosen = _filter(percent)
        selection = self._view.select(chosen, now_s=0.0)
        mask = np.zeros(len(self._vectors), dtype=np.bool_)
        mask[selection.rows()] = True
        bits = np.packbits(mask, bitorder="little")
        selector = faiss.IDSelectorBitmap(len(bits), faiss.swig_ptr(bits))
        parameters = None
        if percent < 100:
            parameters = faiss.SearchParameters()
            parameters.sel = selector
        seconds = _in_turn(
            [
                partial(self._view.nearest, queries, selection, TOP_K),
                partial(self._index.search, queries, TOP_K, params=parameters),
                partial(self._by_numpy, queries, selection.rows()),
                partial(self._view.select, chosen, now_s=0.0),
            ],
            self._rounds,
        )
        ours, flat, by_numpy, select = np.median(seconds, axis=1)
        return SearchTimes(
            queries=len(queries),
            selected_percent=percent,
            ratio_to_faiss=round(float(ours / flat), 3),
            p50_ms=_ms(ours),
            p99_ms=_ms(np.percentile(seconds[0], 99)),
            faiss_p50_ms=_ms(flat),
            numpy_p50_ms=_ms(by_numpy),
            select_p50_ms=_ms(select),
        )

    def _by_numpy(self, queries: Vectors, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """What one would write without an index: a product, and a partial sort."""
        everything = len(rows) == len(self._vectors)
        vectors = self._vectors if everything else self._vectors[rows]
        similarities = queries @ vectors.T
        nearest = np.argpartition(-similarities, min(TOP_K, len(rows) - 1), axis=1)[:, :TOP_K]
        found = np.take_along_axis(similarities, nearest, axis=1)
        return np.take_along_axis(nearest, np.argsort(-found, axis=1), axis=1)


def _filter(percent: int) -> Filter:
    if percent == 100:
        return EVERYTHING
    return Equals("camera", tuple(f"camera-{code}" for code in range(CAMERAS * percent // 100)))


def _in_turn(answers: list[Answer], rounds: int) -> NDArray[np.float64]:
    """Seconds [answer, round]; a first round is not counted."""
    seconds = np.empty((len(answers), rounds + 1))
    for number in range(rounds + 1):
        for place, answer in enumerate(answers):
            start = time.perf_counter()
            answer()
            seconds[place, number] = time.perf_counter() - start
    return seconds[:, 1:]


def _bandwidth_gb_per_s(threads: int) -> float:
    """Reading 256 MB by every thread at once, at best."""
    arrays = [np.ones(2**26, np.float32) for _ in range(threads)]
    seconds = _at_once([partial(np.dot, array, array) for array in arrays])
    return round(threads * arrays[0].nbytes / seconds / 1e9, 1)


def _sgemm_gflop_per_s(threads: int) -> float:
    """Square matrix products by every thread at once, at best."""
    size = 1536
    arrays = [np.ones((size, size), np.float32) for _ in range(threads)]
    seconds = _at_once([partial(np.matmul, array, array) for array in arrays])
    return round(threads * 2 * size**3 / seconds / 1e9, 1)


def _at_once(works: list[Answer], rounds: int = 7) -> float:
    """Seconds until all have ended, in the best of some rounds; each has one thread of BLAS."""
    one_each = ThreadpoolController().limit(limits=1, user_api="blas")
    best = np.inf
    with one_each, ThreadPoolExecutor(len(works)) as pool:
        for _ in range(rounds):
            start = time.perf_counter()
            list(pool.map(lambda work: work(), works))
            best = min(best, time.perf_counter() - start)
    return float(best)


def _ms(seconds: float) -> float:
    return round(1e3 * float(seconds), 3)


def main() -> None:
    """Measure, and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--dimension", type=int, default=512)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--json", action="store_true", help="on one line")
    arguments = parser.parse_args()
    found = measure(
        arguments.rows, arguments.dimension, threads=arguments.threads, rounds=arguments.rounds
    )
    described = asdict(found) | {
        "search_ratio_to_faiss": found.ratios(1),
        "search_ratio_to_faiss_64": found.ratios(64),
    }
    json.dump(described, sys.stdout, indent=None if arguments.json else 2)
    print()


if __name__ == "__main__":
    main()
