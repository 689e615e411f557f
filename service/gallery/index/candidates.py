"""The rows that may still be among the nearest: found by rough similarities, decided by exact ones.

Let `error` bound the difference between a rough and an exact similarity. When k rows have rough
similarities of at least s, the exact ones of the k nearest are at least s - error; so a row whose
rough similarity is below s - 2 error is not among them. No other row is left out.
"""

import itertools
import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.gallery.index.rescoring import RowReader, Rows, Vectors

Similarities = NDArray[np.float32]

_MOST_UNDECIDED = 65536
"""Pairs of a query and a row; beyond these, and beyond four times those that are wanted, they are
decided before more are taken in: rows that are all alike must not fill the memory."""


_FEW_FRESH = 64
"""Pairs for each query that may be added before the floors are raised again: to sort costs more
than to look at a few rows too many."""


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Queries [m], rows [m] and similarities [m] that belong together."""

    query_of: Rows
    rows: Rows
    similarities: Similarities

    def __len__(self) -> int:
        return len(self.rows)

    def taken(self, which: NDArray[np.bool_] | Rows | slice) -> "Pairs":
        """Those pairs that an index, a mask or a slice names."""
        return Pairs(self.query_of[which], self.rows[which], self.similarities[which])

    def with_others(self, others: "Pairs") -> "Pairs":
        """These pairs and the others."""
        if not len(self):
            return others
        return Pairs(
            np.concatenate([self.query_of, others.query_of]),
            np.concatenate([self.rows, others.rows]),
            np.concatenate([self.similarities, others.similarities]),
        )

    def nearest_first(self) -> "Pairs":
        """Query by query, highest similarity first."""
        return self.taken(np.lexsort((-self.similarities, self.query_of)))


NO_PAIRS = Pairs(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))


class Candidates:
    """Of one search; several threads may add to it.

    Args:
        queries: float32 [b, d].
        k: How many of the nearest are wanted for each.
        reader: Of the rows.
        error: How far a rough similarity is from the exact one, at most.
    """

    def __init__(self, queries: Vectors, k: int, reader: RowReader, error: float) -> None:
        self._queries = queries
        self._k = k
        self._reader = reader
        self._error = error
        self._lock = threading.Lock()
        self._most_undecided = max(_MOST_UNDECIDED, 4 * k * len(queries))
        self._most_fresh = (k + _FEW_FRESH) * len(queries)
        self._fresh: list[Pairs] = []
        self._undecided = NO_PAIRS
        self._decided = NO_PAIRS
        self.floors = np.full(len(queries), -np.inf, np.float32)
        """Rough similarity [b] below which a row is not needed; replaced, never changed."""

    def add(self, found: Pairs) -> None:
        """Take in rows with rough similarities; every row at or above the floor must come."""
        if not len(found):
            return
        with self._lock:
            self._fresh.append(found)
            if sum(len(pairs) for pairs in self._fresh) > self._most_fresh:
                self._merge()
            if len(self._undecided) > self._most_undecided:
                self._decide()
                self._raise_floors(self._decided, self._error)

    def current_floors(self) -> Similarities:
        """The floors [b], raised first by what has been added if there are none yet."""
        if not np.isfinite(self.floors).all():
            with self._lock:
                self._merge()
        return self.floors

    def floors_with(self, similarities: Similarities) -> Similarities:
        """The floors [b], raised by what these similarities [b, n] of other rows already show."""
        if np.isfinite(self.floors).all() or similarities.shape[1] < self._k:
            return self.floors
        place = similarities.shape[1] - self._k
        kth = np.partition(similarities, place, axis=1)[:, place]
        return np.maximum(self.floors, _below(kth, 2 * self._error))

    def nearest(self) -> list[Pairs]:
        """For each query its k nearest: highest exact similarity first, then smallest id."""
        with self._lock:
            self._merge()
            self._decide()
            ends = np.searchsorted(self._decided.query_of, np.arange(len(self._queries) + 1))
            return [
                self._decided.taken(slice(start, end)) for start, end in itertools.pairwise(ends)
            ]

    def _merge(self) -> None:
        if not self._fresh:
            return
        for found in self._fresh:
            self._undecided = self._undecided.with_others(found)
        self._fresh = []
        if len(self._undecided) <= self._k:
            return
        self._undecided = self._undecided.nearest_first()
        self._raise_floors(self._undecided, 2 * self._error)
        above = self._undecided.similarities >= self.floors[self._undecided.query_of]
        self._undecided = self._undecided.taken(above)

    def _decide(self) -> None:
        pairs = self._undecided
        exact = self._reader.similarities(self._queries, pairs.query_of, pairs.rows)
        decided = self._decided.with_others(Pairs(pairs.query_of, pairs.rows, exact))
        decided = self._ties_by_id(decided.nearest_first())
        if len(decided) > self._k:
            place = np.arange(len(decided)) - np.searchsorted(decided.query_of, decided.query_of)
            decided = decided.taken(place < self._k)
        self._decided = decided
        self._undecided = NO_PAIRS

    def _ties_by_id(self, pairs: Pairs) -> Pairs:
        """The same pairs, equally similar ones of a query in the order of their ids."""
        same = pairs.similarities[1:] == pairs.similarities[:-1]
        if not same.any():
            return pairs
        tied = np.zeros(len(pairs) + 1, dtype=np.bool_)
        tied[1:-1] = same & (pairs.query_of[1:] == pairs.query_of[:-1])
        starts = np.flatnonzero(~tied[:-1] & tied[1:])
        order = np.arange(len(pairs))
        ends = np.flatnonzero(tied[:-1] & ~tied[1:]) + 1
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            ids = self._reader.ids(pairs.rows[start:end])
            order[start:end] = start + np.array(sorted(range(end - start), key=ids.__getitem__))
        return pairs.taken(order)

    def _raise_floors(self, pairs: Pairs, margin: float) -> None:
        self.floors = np.maximum(self.floors, _below(self._kth(pairs), margin))

    def _kth(self, pairs: Pairs) -> Similarities:
        """Of each query the k-th similarity of `pairs`, which are in order; -inf with fewer."""
        kth = np.full(len(self._queries), -np.inf, np.float32)
        queries = np.arange(len(self._queries))
        places = np.searchsorted(pairs.query_of, queries) + self._k - 1
        reached = places < np.searchsorted(pairs.query_of, queries, "right")
        kth[reached] = pairs.similarities[places[reached]]
        return kth


def _below(similarities: Similarities, margin: float) -> Similarities:
    """What is less than the similarities by more than the margin, whatever float32 rounds."""
    least = similarities.astype(np.float64) - margin
    return np.nextafter(least.astype(np.float32), np.float32(-np.inf))
