"""Which identities are most similar: exact, although most rows are only compared coarsely.

A group is the tracklets of one identity, or one tracklet without identity. It is as similar as its
most similar tracklet (max), as all of them on average (mean), or as its m most similar on average
(top-m; fewer where it has fewer). All rows get a coarse similarity with a known error. Groups that
cannot be among the first k by that error are left out; the rest are compared exactly.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from service.errors import InvalidQuery
from service.gallery.index.selection import Selection
from service.gallery.index.view import Hit, View

GroupMode = Literal["max", "mean", "top-m"]

MOST_AVERAGED = 100

_ROUNDING = 2.0**-22
"""For the roundings of a mean to float32, and of sums of coarse similarities in float64."""

_SEEDS = 4
"""Times k groups are enough to know nearly how large a mean must be."""

Numbers = NDArray[np.int64]
Similarities = NDArray[np.float32]
Estimates = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Grouping:
    """How similar a group of tracklets is; `m` counts for `top-m` only.

    Raises:
        InvalidQuery: When `m` is below 1 or above 100.
    """

    mode: GroupMode = "max"
    m: int = 3

    def __post_init__(self) -> None:
        """Refuse an average of nothing, and one of so many that the mean is meant."""
        if not 1 <= self.m <= MOST_AVERAGED:
            raise InvalidQuery(
                expected=f"an average of the 1 to {MOST_AVERAGED} most similar tracklets",
                received=str(self.m),
                remedy="correct it, or group by the mean of all",
            )


@dataclass(frozen=True, slots=True)
class Group:
    """A group, its most similar tracklet (of several, the one with the smallest id), its size."""

    similarity: float
    best: Hit
    tracklets: int


@dataclass(frozen=True, slots=True)
class _Table:
    """Selected rows [n] with their coarse similarities [n] and groups [n], and sizes [g]."""

    rows: Numbers
    coarse: Similarities
    group: Numbers
    sizes: Numbers


def best_groups(
    view: View, query: Similarities, selection: Selection, *, grouping: Grouping, k: int
) -> list[Group]:
    """The k groups of selected rows nearest to query [d], or all where there are fewer.

    Highest similarity first, then smallest id of the most similar tracklet.
    """
    rows = selection.rows()
    if not len(rows):
        return []
    group, sizes = _numbered(view.identity_codes(rows))
    table = _Table(rows, view.coarse(query, selection), group, sizes)
    error = view.coarse_error + _ROUNDING
    members = _members(table, grouping, k, 2 * error)
    similarities = view.exact(query, rows[members])
    found = _Compared(group[members], rows[members], similarities)
    return found.best(view, grouping, sizes, k)


def averaged(descending: Similarities, grouping: Grouping) -> float:
    """What the similarities [n] of one group amount to, rounded to float32; order is no matter."""
    counted = 1 if grouping.mode == "max" else grouping.m
    if grouping.mode != "mean":
        descending = descending[:counted]
    return float(np.float32(math.fsum(descending.tolist()) / len(descending)))


def _numbered(codes: NDArray[np.int32]) -> tuple[Numbers, Numbers]:
    """A group for each row [n], one of its own without identity; and the sizes [g]."""
    unknown = codes < 0
    named = int(codes.max()) + 1
    group = codes.astype(np.int64)
    group[unknown] = named + np.arange(np.count_nonzero(unknown))
    return group, np.bincount(group, minlength=named)


def _members(table: _Table, grouping: Grouping, k: int, margin: float) -> Numbers:
    """Positions of the rows that decide which groups are the first k, and how similar they are.

    A coarse value is off by half of `margin` at most, on either side of a comparison.
    """
    if grouping.mode == "mean":
        estimates = _means(table)
        decisive = np.full(len(estimates), -np.inf)
    elif grouping.mode == "max":
        estimates = _maxima(table)
        decisive = estimates - margin
    else:
        estimates, smallest = _leading_means(table, grouping.m, k, margin)
        decisive = smallest - margin
    held = estimates[table.sizes > 0]
    kth = np.partition(held, -k)[-k] if k < len(held) else -np.inf
    plausible = (table.sizes > 0) & (estimates >= kth - margin)
    threshold = np.where(plausible, decisive, np.inf)
    positions: Numbers = np.flatnonzero(table.coarse >= threshold[table.group])
    return positions


def _maxima(table: _Table) -> Estimates:
    maxima = np.full(len(table.sizes), -np.inf, dtype=np.float32)
    np.maximum.at(maxima, table.group, table.coarse)
    return maxima.astype(np.float64)


def _means(table: _Table) -> Estimates:
    sums = np.bincount(table.group, weights=table.coarse, minlength=len(table.sizes))
    means: Estimates = sums / np.maximum(table.sizes, 1)
    return means


def _leading_means(table: _Table, m: int, k: int, margin: float) -> tuple[Estimates, Estimates]:
    """Means of the m largest coarse similarities of each group [g], and the smallest of these.

    A mean is at most the maximum. So some groups of large maxima say how large a mean must be, and
    groups whose maximum is smaller are not sorted: theirs are minus infinity.
    """
    maxima = _maxima(table)
    if k * _SEEDS < len(maxima):
        seeds = np.zeros(len(maxima), dtype=np.bool_)
        seeds[np.argpartition(maxima, -k * _SEEDS)[-k * _SEEDS :]] = True
        floor = np.partition(_sorted_means(table, m, seeds)[0], -k)[-k]
        return _sorted_means(table, m, maxima >= floor - margin)
    return _sorted_means(table, m, maxima > -np.inf)


def _sorted_means(table: _Table, m: int, chosen: NDArray[np.bool_]) -> tuple[Estimates, Estimates]:
    """As `_leading_means`, of the chosen groups [g] only."""
    rows = np.flatnonzero(chosen[table.group])
    rows = rows[np.lexsort((-table.coarse[rows], table.group[rows]))]
    group, coarse = table.group[rows], table.coarse[rows].astype(np.float64)
    numbers = np.arange(len(rows))
    begins = np.diff(group, prepend=-1) > 0
    leading = numbers - np.maximum.accumulate(np.where(begins, numbers, 0)) < m
    sums = np.bincount(group[leading], weights=coarse[leading], minlength=len(chosen))
    counted = np.minimum(table.sizes, m)
    smallest = np.full(len(chosen), -np.inf)
    # Of a group with several the last, which is the smallest, stays.
    smallest[group[leading]] = coarse[leading]
    return np.where(chosen, sums / np.maximum(counted, 1), -np.inf), smallest


class _Compared:
    """Rows [m] of the groups that may be among the first, with their exact similarities."""

    def __init__(self, group: Numbers, rows: Numbers, similarities: Similarities) -> None:
        order = np.lexsort((-similarities, group))
        self._rows, self._similarities = rows[order], similarities[order]
        self._groups, starts = np.unique(group[order], return_index=True)
        self._bounds = [*starts.tolist(), len(order)]

    def best(self, view: View, grouping: Grouping, sizes: Numbers, k: int) -> list[Group]:
        """The first k groups in their final order."""
        values = [
            averaged(self._similarities[start:stop], grouping)
            for start, stop in zip(self._bounds[:-1], self._bounds[1:], strict=True)
        ]
        # All that equal the k-th are kept until their ids have decided.
        kth = sorted(values, reverse=True)[min(k, len(values)) - 1]
        found = [
            Group(value, self._representative(view, place), int(sizes[self._groups[place]]))
            for place, value in enumerate(values)
            if value >= kth
        ]
        return sorted(found, key=lambda group: (-group.similarity, group.best.tracklet_id))[:k]

    def _representative(self, view: View, place: int) -> Hit:
        start, stop = self._bounds[place], self._bounds[place + 1]
        similarities = self._similarities[start:stop]
        tied = int(np.count_nonzero(similarities == similarities[0]))
        rows = self._rows[start : start + tied]
        return min(view.hits(rows, similarities[:tied]), key=lambda hit: hit.tracklet_id)
