"""What grouping, re-ranking and the approximate tier cost, and what that tier finds.

    python -m benchmarks.gallery_ranking --rows 100000 --dimension 512
    python -m benchmarks.gallery_ranking --rows 100000 --dimension 512 --approximate

Embeddings are drawn as people are: eight tracklets about each identity, identities in a space of
fewer dimensions than the embedding. Queries are further tracklets of the same identities.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.made_gallery import CAMERAS, ROWS_OF_AN_IDENTITY, made_rows
from service.gallery.filter_tree import Equals, Filter
from service.gallery.index.approximate_tier import ApproximateTier
from service.gallery.index.frozen import CHUNK_ROWS, thaw
from service.gallery.index.planner import SwitchPoints
from service.gallery.index.recall_gate import recall_of
from service.gallery.index.scanner import Scanner
from service.gallery.index.view import View
from service.gallery.ranking.reranking import Reranking
from service.gallery.ranking.search import SearchOptions, search_view

INNER_DIMENSION = 64
SELECTED_PERCENT = (100, 50, 20, 10)
TOP_K = 10

ANSWERS = {
    "tracklets": SearchOptions(top_k=TOP_K),
    # Fewer than a person has here: the best of another identity is not among the matches.
    "tracklets of one person": SearchOptions(top_k=ROWS_OF_AN_IDENTITY // 2),
    "identities by max": SearchOptions(top_k=TOP_K, group_by="identity"),
    "identities by mean": SearchOptions(top_k=TOP_K, group_by="identity", group_mode="mean"),
    "identities by top-3": SearchOptions(top_k=TOP_K, group_by="identity", group_mode="top-m"),
    "one per camera": SearchOptions(top_k=TOP_K, max_per_camera=1),
    "re-ranked 200": SearchOptions(top_k=TOP_K, rerank=Reranking(first=200)),
}

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds of one search."""

    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class ApproximateSearch:
    """The two tiers under a filter that selects this share."""

    selected_percent: int
    recall: float
    approximate: Times
    exact: Times


@dataclass(frozen=True, slots=True)
class ApproximateBase:
    """What a base took to build, what the gate found, and its searches."""

    rows: int
    build_and_judge_s: float
    gate_wide: float
    gate_narrow: float
    searches: tuple[ApproximateSearch, ...]


class People:
    """Identities, and as many tracklets of each as are asked for."""

    def __init__(self, identities: int, dimension: int, *, seed: int = 0) -> None:
        self._rng = np.random.default_rng(seed)
        inner = self._rng.standard_normal((identities, INNER_DIMENSION), dtype=np.float32)
        spread = self._rng.standard_normal((INNER_DIMENSION, dimension), dtype=np.float32)
        self._identities = inner @ spread / np.float32(INNER_DIMENSION**0.5)

    def tracklets(self, identities: NDArray[np.int64]) -> Vectors:
        """One more embedding [n, d] of each; those of one identity are at a cosine of about 0.7."""
        held = self._identities[identities]
        noise = self._rng.standard_normal(held.shape, dtype=np.float32)
        found = held + np.float32(0.65) * noise
        unit: Vectors = found / np.linalg.norm(found, axis=1, keepdims=True)
        return unit

    def chunks(self, rows: int) -> Iterator[NDArray[np.float16]]:
        """A gallery's embeddings; the identities are those of `made_rows`."""
        for start in range(0, rows, CHUNK_ROWS):
            numbers = np.arange(start, min(start + CHUNK_ROWS, rows))
            yield self.tracklets(numbers // ROWS_OF_AN_IDENTITY).astype(np.float16)


def measure(rows: int, dimension: int, *, threads: int, rounds: int) -> dict[str, Times]:
    """Time each kind of answer in turn, on one gallery."""
    scanner = Scanner(threads)
    try:
        view, queries = _gallery(rows, dimension, scanner, rounds)
        seconds: dict[str, list[float]] = {name: [] for name in ANSWERS}
        for query in queries:
            for name, options in ANSWERS.items():
                seconds[name].append(_seconds(view, query, options))
    finally:
        scanner.close()
    return {name: _times(found) for name, found in seconds.items()}


def measure_approximate(rows: int, dimension: int, *, threads: int, rounds: int) -> ApproximateBase:
    """Build a base, and compare it with exact searches under filters of several widths.

    Raises:
        SystemExit: When the gate does not let the base pass.
    """
    scanner = Scanner(threads)
    try:
        view, queries = _gallery(rows, dimension, scanner, rounds)
        points = SwitchPoints(exact_max_rows=1000, canary_share=0.0)
        tier = ApproximateTier(points, threads=threads)
        start = time.perf_counter()
        tier.refresh(lambda: view, now_s=0.0)
        build_s = time.perf_counter() - start
        status = tier.status()
        if status.state != "published" or status.recall is None:
            raise SystemExit(f"expected a base that passes the gate, received {status}")
        searches = tuple(_compared(view, tier, queries, each) for each in SELECTED_PERCENT)
    finally:
        scanner.close()
    wide, narrow = round(status.recall.wide, 4), round(status.recall.narrow, 4)
    return ApproximateBase(status.rows, round(build_s, 1), wide, narrow, searches)


def _gallery(rows: int, dimension: int, scanner: Scanner, queries: int) -> tuple[View, Vectors]:
    identities = rows // ROWS_OF_AN_IDENTITY + 1
    people = People(identities, dimension)
    embeddings = list(people.chunks(rows))
    view = thaw(made_rows(embeddings), embeddings, scanner=scanner).view
    chosen = np.random.default_rng(1).integers(0, identities, queries)
    return view, people.tracklets(chosen)


def _compared(
    view: View, tier: ApproximateTier, queries: Vectors, percent: int
) -> ApproximateSearch:
    exact = SearchOptions(top_k=TOP_K, filter=_filter(percent), mode="exact")
    approximate = SearchOptions(top_k=TOP_K, filter=_filter(percent), mode="ann")
    selection = view.select(exact.filter, now_s=0.0)
    recalls, ours, theirs = [], [], []
    base = tier.base_for(view, selection, "ann")
    for query in queries:
        ours.append(_seconds(view, query, approximate, tier))
        theirs.append(_seconds(view, query, exact, tier))
        if base is not None:
            true = view.nearest(query[None], selection, TOP_K)[0]
            recalls.append(recall_of(base.nearest(view, query, selection, TOP_K), true))
    mean = round(float(np.mean(recalls)), 4)
    return ApproximateSearch(percent, mean, _times(ours), _times(theirs))


def _filter(percent: int) -> Filter:
    names = [f"camera-{code}" for code in range(CAMERAS * percent // 100)]
    return SearchOptions().filter if percent == 100 else Equals("camera", tuple(names))


def _seconds(
    view: View, query: Vectors, options: SearchOptions, tier: ApproximateTier | None = None
) -> float:
    start = time.perf_counter()
    search_view(view, query, options, now_s=0.0, approximate=tier)
    return time.perf_counter() - start


def _times(seconds: list[float]) -> Times:
    counted = np.array(seconds[1:]) * 1e3
    p50, p99 = np.percentile(counted, [50, 99])
    return Times(round(float(p50), 3), round(float(p99), 3))


def main() -> None:
    """Measure, and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--dimension", type=int, default=512)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--approximate", action="store_true", help="build a base, and compare")
    arguments = parser.parse_args()
    sizes = {"rows": arguments.rows, "dimension": arguments.dimension}
    asked = {"threads": arguments.threads, "rounds": arguments.rounds}
    if arguments.approximate:
        found = asdict(measure_approximate(**sizes, **asked))
    else:
        found = {name: asdict(each) for name, each in measure(**sizes, **asked).items()}
    json.dump(sizes | asked | {"measured": found}, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
