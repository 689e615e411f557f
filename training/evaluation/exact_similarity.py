"""Cosine similarities that are the same to the last digit in any chunk, process and BLAS.

A matrix product of floats depends on the order of its sums, and so on the batch: a tie would be
decided by the size of a chunk. Rounded to multiples of 2⁻²⁶, the entries of two embeddings have
products that are multiples of 2⁻⁵², and by Cauchy-Schwarz no partial sum of them reaches 2: float64
holds every one exactly. No order of summation can then change a digit, and equal embeddings tie.
The rounding moves an entry by at most 2⁻²⁷, a quarter of what float32 resolves at 1.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

STEPS_PER_UNIT = 2.0**26
GALLERY_BLOCK = 2048


def exact_similarities(
    query: NDArray[np.float32], gallery: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Cosine of every pair of L2-normalised rows: [b, d] and [n, d] → [b, n].

    The gallery is converted in blocks, so that no float64 copy of it exists.
    """
    result = np.empty((len(query), len(gallery)))
    steps = in_steps(query)
    for start in range(0, len(gallery), GALLERY_BLOCK):
        block = in_steps(gallery[start : start + GALLERY_BLOCK])
        result[:, start : start + GALLERY_BLOCK] = steps @ block.T
    result *= STEPS_PER_UNIT**-2
    return result


def in_steps(embeddings: NDArray[np.float32]) -> NDArray[np.float64]:
    """Entries as whole numbers of steps of 2⁻²⁶, in float64."""
    steps = embeddings.astype(np.float64)
    steps *= STEPS_PER_UNIT
    return np.rint(steps, out=steps)


def similarity_rows(
    query: NDArray[np.float32], gallery: NDArray[np.float32], *, chunk_queries: int
) -> Iterator[NDArray[np.float64]]:
    """One query after the other against the whole gallery [n], computed in chunks of queries."""
    for start in range(0, len(query), chunk_queries):
        yield from exact_similarities(query[start : start + chunk_queries], gallery)


def nearest_rows(scores: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """The rows of the `count` largest scores [n], largest first; ties go to the lower row."""
    count = min(count, len(scores))
    if count == 0:
        return np.empty(0, dtype=np.int64)
    least = np.partition(scores, len(scores) - count)[len(scores) - count]
    above = np.flatnonzero(scores > least)
    tied = np.flatnonzero(scores == least)[: count - len(above)]
    chosen = np.concatenate([above, tied])
    ordered: NDArray[np.int64] = chosen[np.lexsort((chosen, -scores[chosen]))]
    return ordered
