"""Similarities that depend on nothing but a row and a query: cosines in float64, rounded once."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from service.gallery.index.anonymous_memory import wiped, zeros
from service.gallery.index.selection import Part

Vectors = NDArray[np.float32]
Rows = NDArray[np.int64]

_PAIRS_AT_ONCE = 512
"""Two float64 arrays of so many vectors are 12 MB at 1,472 dimensions."""


class RowReader:
    """Reads rows, numbered through all parts of a view.

    Args:
        parts: Of the view.
        offsets: Row number of the first slot of each part.
        dimension: Values of an embedding.
    """

    def __init__(self, parts: Sequence[Part], offsets: Sequence[int], dimension: int) -> None:
        self._parts = parts
        self._offsets = np.array(offsets, dtype=np.int64)
        self._dimension = dimension

    def located(self, rows: Rows) -> list[tuple[Part, Rows, Rows]]:
        """For each part that has some of the rows [m]: their slots, and their places in `rows`."""
        at = self._offsets.searchsorted(rows, "right") - 1
        found = []
        for number in np.bincount(at).nonzero()[0].tolist():
            places = (at == number).nonzero()[0]
            found.append((self._parts[number], rows[places] - self._offsets[number], places))
        return found

    def embeddings(self, rows: Rows) -> Vectors:
        """A copy of the embeddings [m, d] of these rows."""
        found = zeros((len(rows), self._dimension), np.float32)
        for part, slots, places in self.located(rows):
            found[places] = part.segment.vectors[slots]
        return found

    def ids(self, rows: Rows) -> list[str]:
        """Ids of these rows, in the order given."""
        found = [""] * len(rows)
        for part, slots, places in self.located(rows):
            for slot, place in zip(slots.tolist(), places.tolist(), strict=True):
                found[place] = part.segment.tracklet_id(slot)
        return found

    def similarities(self, queries: Vectors, query_of: Rows, rows: Rows) -> NDArray[np.float32]:
        """Cosine [m] of each row with the query [b, d] that `query_of` [m] names.

        Each is summed by itself, not in a matrix product, whose last bits depend on the other
        rows; so it is the same alone and in any batch. It is exactly 1 for the query itself.
        """
        wide = queries.astype(np.float64)
        alone = len(queries) == 1
        query_squares = (wide * wide).sum(axis=1)
        cosines = np.empty(len(rows), np.float32)
        with wiped((2, min(len(rows), _PAIRS_AT_ONCE), self._dimension), np.float64) as room:
            for start in range(0, len(rows), _PAIRS_AT_ONCE):
                chunk = slice(start, start + _PAIRS_AT_ONCE)
                vectors, product = room[:, : len(rows[chunk])]
                for part, slots, places in self.located(rows[chunk]):
                    vectors[places] = part.segment.vectors[slots]
                squares = np.multiply(vectors, vectors, out=product).sum(axis=1)
                # A query alone is not copied for each of its rows.
                asked = slice(None) if alone else query_of[chunk]
                lengths = np.sqrt(squares * query_squares[asked])
                np.multiply(vectors, wide[asked], out=product)
                cosines[chunk] = product.sum(axis=1) / lengths
        return cosines
