"""How to scan which rows: the cheapest exact way for the number of queries and the selected share.

Nanoseconds a row of 512 values, of all rows of a block, on one core of a two-core server that was
busy with other work, by selected share (`python -m benchmarks.scan_ways --rows 32768 --rounds 3`):

    queries                          1                64
    selected share              1   0.5  0.1      1    0.5   0.1
    all rows, by BLAS         167   185  197   1150  1277  1163
    selected ones, by FAISS   139   171   51   9032  8517  1153
    selected ones, copied     227   176   70   1201   732   140

So one or two queries go through FAISS, which reads the selected rows where they lie; more go
through BLAS, over a copy of the selected rows unless nearly all are. Below a tenth a copy is never
slower. Each way costs less the fewer rows are selected, and so does the cheapest of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from service.gallery.index.selection import Mask, Part, Selection

BLOCK_ROWS = 8192
"""Scanned at once; 64 queries take 2 MB of similarities a thread."""

_FIRST_SELECTED = 1024
"""Selected rows of the first unit: it finds how similar the nearest are at least."""

_SELECTED_AT_ONCE = 4096
_MOST_FAISS_QUERIES = 2
_LEAST_FAISS_SHARE = 0.1
_LEAST_WHOLE_SHARE = 0.85


class Way(Enum):
    """How the similarities of some rows are computed."""

    WHOLE = "whole"
    """Of all rows, through BLAS; those that are not selected are dropped."""
    FILTERED = "filtered"
    """Of the selected rows, where they lie, through FAISS."""
    COPIED = "copied"
    """Of a copy of the selected rows, through BLAS."""


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """Slots from `start` to `stop` of a part, which one thread scans at once.

    Attributes:
        first_row: Row number of slot 0 of the part.
        mask: Which of these slots [stop - start] are selected.
    """

    way: Way
    part: Part
    first_row: int
    start: int
    stop: int
    mask: Mask


def plan_scan(parts: Sequence[Part], selection: Selection, *, queries: int, k: int) -> list[Unit]:
    """The units of a scan; the first is small."""
    units: list[Unit] = []
    for number, part in enumerate(parts):
        count = selection.counts[number]
        if not count:
            continue
        share = count / part.length
        way = _way(share, queries)
        width = BLOCK_ROWS if way is Way.WHOLE else int(_SELECTED_AT_ONCE / share) + 1
        first = 0 if units else min(part.length, int(max(_FIRST_SELECTED, 2 * k) / share) + 1)
        starts = [*([0] if first else []), *range(first, part.length, width)]
        stops = [*starts[1:], part.length]
        mask, first_row = selection.masks[number], selection.offsets[number]
        units += [
            Unit(way, part, first_row, start, stop, mask[start:stop])
            for start, stop in zip(starts, stops, strict=True)
        ]
    return units


def _way(share: float, queries: int) -> Way:
    if queries <= _MOST_FAISS_QUERIES:
        return Way.FILTERED if share >= _LEAST_FAISS_SHARE else Way.COPIED
    return Way.WHOLE if share >= _LEAST_WHOLE_SHARE else Way.COPIED
