"""Proof, before anything is served, that the FAISS that was loaded searches under a filter."""

import numpy as np

from service.errors import ReidError
from service.gallery.index.block_scan import above, fill_named

_ROWS = 67
_DIMENSION = 9
"""Neither is a multiple of what vector instructions take at once, so their remainders are used."""


def require_honoured_filter() -> None:
    """Search rows whose similarities are known, under several filters.

    Some FAISS indexes ignore a filter without a word, and a build for another machine may do worse.

    Raises:
        ReidError: When a row is missing, forbidden or has another similarity.
    """
    vectors = np.zeros((_ROWS, _DIMENSION), np.float32)
    vectors[:, -1] = np.arange(_ROWS)
    query = np.zeros(_DIMENSION, np.float32)
    query[-1] = 1
    for step in (1, 2, 7, _ROWS):
        mask = np.arange(_ROWS) % step == 0
        slots, similarities = above(vectors, query, 20.0, mask)
        expected = [row for row in range(21, _ROWS) if mask[row]]
        named = np.full(len(expected) + 1, -1, np.float32)
        fill_named(vectors, query, np.array(expected, np.int64), out=named[:-1])
        ranged = sorted(slots.tolist()) == expected and similarities.tolist() == slots.tolist()
        if not (ranged and named.tolist() == [*expected, -1]):
            raise ReidError(
                expected="a FAISS build that searches exactly the rows of a filter",
                received="one that does not",
                remedy="install the FAISS build that this release names",
            )
