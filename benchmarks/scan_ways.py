"""What each way of scanning a block costs on one core: the figures behind `scan_plan`.

    python -m benchmarks.scan_ways

Time of the thread, not of the clock, so that other work on the machine matters less; the best of
several rounds.
"""

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass

import faiss
import numpy as np
from threadpoolctl import ThreadpoolController

from benchmarks.made_gallery import made_gallery
from service.gallery.index.block_scan import block_scan
from service.gallery.index.candidates import Candidates
from service.gallery.index.rescoring import RowReader
from service.gallery.index.scan_plan import BLOCK_ROWS, Unit, Way
from service.gallery.index.view import View

BATCHES = (1, 2, 3, 64)
SHARES = (1.0, 0.9, 0.5, 0.2, 0.1, 0.01)
TOP_K = 10


@dataclass(frozen=True, slots=True)
class WayTime:
    """Nanoseconds for each row of a block, selected or not."""

    queries: int
    share: float
    way: str
    row_ns: float


def measure(rows: int, dimension: int, *, rounds: int = 7) -> list[WayTime]:
    """Time every way for every batch and share."""
    view = made_gallery(rows, dimension).view
    rng = np.random.default_rng(0)
    faiss.omp_set_num_threads(1)
    found = []
    with ThreadpoolController().limit(limits=1, user_api="blas"):
        for share in SHARES:
            mask = rng.random(rows) < share
            for queries in BATCHES:
                for way in Way:
                    ns = min(_ns(view, mask, queries, way) for _ in range(rounds))
                    found.append(WayTime(queries, share, way.value, round(ns / rows, 1)))
    return found


def _ns(
    view: View, mask: np.ndarray[tuple[int], np.dtype[np.bool_]], queries: int, way: Way
) -> int:
    """A scan whose floors are known already, as they are after its first rows."""
    part = view.parts[0]
    asked = np.array(view.embeddings(np.arange(queries)))
    candidates = Candidates(asked, TOP_K, RowReader(view.parts, (0,), view.dimension), 1e-4)
    candidates.floors = np.full(queries, 0.9, np.float32)
    with block_scan(asked) as scan:
        start = time.thread_time_ns()
        for first in range(0, part.length, BLOCK_ROWS):
            last = min(first + BLOCK_ROWS, part.length)
            scan.search(Unit(way, part, 0, first, last, mask[first:last]), candidates)
        scan.finish(candidates)
        return time.thread_time_ns() - start


def main() -> None:
    """Measure, and print a JSON list."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=65_536)
    parser.add_argument("--dimension", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    found = measure(arguments.rows, arguments.dimension, rounds=arguments.rounds)
    json.dump([asdict(one) for one in found], sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
