"""How to scan which rows: the cheapest exact way for the number of queries and the selected share.

Nanoseconds a row of 512 values, of all rows of a block, on one core of a two-core server that was
busy with other work, by selected share (`python -m benchmarks.scan_ways --rows 32768 --rounds 5`):

    queries                          1                       64
    selected share              1   0.5   0.1  0.01       1    0.5   0.1  0.01
    all rows, by BLAS         211   197   195   209    1316   1150  1223  1100
    selected ones, filtered   195   151    51    18   10508   5419  1655   382
    selected ones, named      189   138    28     6    8952   3317   566    57
    selected ones, copied     237   178    45     8    1477    665   173    19

So one or two queries go through FAISS, which reads the selected rows where they lie: by their
slots where they are few, and else under a filter, which hands on only what is above a floor. More
go through BLAS, over a copy of the selected rows unless nearly all are. Each way costs less the
fewer rows are selected, and so does the cheapest of them.
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
_LEAST_FILTERED_SHARE = 0.4
_LEAST_WHOLE_SHARE = 0.85


class Way(Enum):
    """How the similarities of some rows are computed."""

    WHOLE = "whole"
    """Of all rows, through BLAS; those that are not selected are dropped."""
    FILTERED = "filtered"
    """Of the selected rows, where they lie, through FAISS."""
    NAMED = "named"
    """Of the selected rows, where they lie, one after the other through FAISS."""
    COPIED = "copied"
    """Of a copy of the selected rows, through BLAS."""

    @property
    def needs_floors(self) -> bool:
        """Whether candidates are picked out while scanning, rather than from all similarities."""
        return self in (Way.WHOLE, Way.FILTERED)


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
        return Way.FILTERED if share >= _LEAST_FILTERED_SHARE else Way.NAMED
    return Way.WHOLE if share >= _LEAST_WHOLE_SHARE else Way.COPIED
