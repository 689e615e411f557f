"""Similarities that rank as exactly as `exact_similarity`, at the price of a float32 product.

To rank a right match only its order beside every other tracklet matters. A float32 product tells
it, whatever the order of its sums, unless two similarities are closer than its error bound; those
few are computed exactly.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from training.evaluation.exact_similarity import exact_similarities

# Where more is contested than this, one exact product is cheaper than gathering rows.
CONTESTED_AT_MOST = 0.02


def sharpened_similarities(
    query: NDArray[np.float32], gallery: NDArray[np.float32], near: Sequence[NDArray[np.int64]]
) -> NDArray[np.float64]:
    """Cosines [b, n] of L2-normalised rows [b, d] and [n, d] that order `near` rows exactly.

    For each query, its `near` gallery rows and all that float32 cannot tell from one of them are
    exact; every other similarity is on the right side of each of them.
    """
    scores = (query @ gallery.T).astype(np.float64)
    margin = float32_error(query.shape[1])
    contested = [
        _contested(rough, exact_similarities(query[[row]], gallery[rows])[0], margin)
        for row, (rough, rows) in enumerate(zip(scores, near, strict=True))
    ]
    if sum(map(len, contested)) > CONTESTED_AT_MOST * scores.size:
        return exact_similarities(query, gallery)
    for row, rows in enumerate(contested):
        scores[row, rows] = exact_similarities(query[[row]], gallery[rows])[0]
    return scores


def float32_error(dimension: int) -> float:
    """How far a float32 cosine of unit rows can be from the exact one.

    n·u for a sum of n products in any order (Higham, Accuracy and Stability, §3.1), and
    2 · 2⁻²⁷ · √n for the rounding to steps; a tenth to spare for lengths that are not quite 1.
    """
    return 1.1 * (dimension * 2.0**-24 + math.sqrt(dimension) * 2.0**-26)


def _contested(
    rough: NDArray[np.float64], exact: NDArray[np.float64], margin: float
) -> NDArray[np.int64]:
    """Gallery rows whose rough similarity does not tell their order beside an exact one."""
    close = np.zeros(len(rough), dtype=np.bool_)
    for similarity in exact.tolist():
        close |= np.abs(rough - similarity) <= margin
    return np.flatnonzero(close)
