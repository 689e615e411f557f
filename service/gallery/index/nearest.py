"""Searches over the rows of a view: plan, scan in parallel, decide exactly."""

import math
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TypeVar

import numpy as np

from service.errors import InvalidEmbedding
from service.gallery.index.block_scan import block_scan
from service.gallery.index.candidates import NO_PAIRS, Candidates, Pairs, Similarities
from service.gallery.index.rescoring import RowReader, Vectors
from service.gallery.index.scan_plan import Way, plan_scan
from service.gallery.index.scanner import Scanner
from service.gallery.index.selection import Part, Selection

T = TypeVar("T")

_FEW_PAIRS = 16384
"""Rows times queries up to which handing work to another thread costs more than it saves."""


class RowSearch:
    """Searches over the rows of one view.

    Args:
        parts: Of the view.
        reader: Of its rows.
        scanner: Whose threads scan.
        error: How far a rough similarity is from the exact one, at most.
    """

    def __init__(
        self, parts: Sequence[Part], reader: RowReader, scanner: Scanner, error: float
    ) -> None:
        self._parts = parts
        self._reader = reader
        self._scanner = scanner
        self._error = error

    def nearest(self, queries: Vectors, selection: Selection, k: int) -> list[Pairs]:
        """The k selected rows nearest to each query [b, d]; ties in the order of their ids.

        Raises:
            InvalidEmbedding: When a query has no direction.
        """
        unit_queries = _directions(queries)
        k = min(k, selection.count)
        if k <= 0 or not len(queries):
            return [NO_PAIRS for _ in queries]
        candidates = Candidates(queries, k, self._reader, self._error)
        units = deque(plan_scan(self._parts, selection, queries=len(queries), k=k))
        uses_floors = any(unit.way is not Way.NAMED for unit in units)

        def work(most: int | None = None) -> None:
            with block_scan(unit_queries) as scan:
                for unit in islice(_taken_from(units), most):
                    scan.search(unit, candidates)
                scan.finish(candidates)

        worth_sharing = selection.count * len(queries) > _FEW_PAIRS
        if worth_sharing and uses_floors:
            # The first unit alone: it raises the floors, which spare all others much.
            work(1)
        self._scanner.run(work, worth_sharing=worth_sharing and bool(units))
        return candidates.nearest()

    def coarse(self, query: Vectors, selection: Selection) -> Similarities:
        """Rough similarities [n] of the selected rows to the query [d], in the order of rows."""
        units = plan_scan(self._parts, selection, queries=1, k=1)
        counts = [int(np.count_nonzero(unit.mask)) for unit in units]
        starts = np.cumsum([0, *counts])
        similarities = np.empty(int(starts[-1]), np.float32)
        waiting = deque(zip(units, starts.tolist(), counts, strict=False))
        unit_query = _directions(query[None])

        def work() -> None:
            with block_scan(unit_query) as scan:
                for unit, start, count in _taken_from(waiting):
                    similarities[start : start + count] = scan.all_of(unit)[0]

        self._scanner.run(work, worth_sharing=selection.count > _FEW_PAIRS)
        return similarities


def _directions(queries: Vectors) -> Vectors:
    """The queries [b, d] at length 1."""
    wide = queries.astype(np.float64)
    lengths = np.sqrt((wide * wide).sum(axis=1))
    # Written so that NaN is refused too.
    if not all(0 < length < math.inf for length in lengths.tolist()):
        raise InvalidEmbedding(
            expected="queries of finite values and a length",
            received="one without a direction",
            remedy="send an embedding as this model's /embed answers it",
        )
    directions: Vectors = (wide / lengths[:, None]).astype(np.float32, order="C")
    return directions


def _taken_from(waiting: deque[T]) -> Iterator[T]:
    """What is waiting, until nothing is; several threads may take from it."""
    while True:
        try:
            yield waiting.popleft()
        except IndexError:
            return
