"""Rows of features → the embedding of a tracklet, as the manifest says; numpy only."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from model.manifest import EmbeddingPart


def tracklet_embeddings(
    rows: NDArray[np.floating], parts: Sequence[EmbeddingPart]
) -> NDArray[np.float32]:
    """Features [n, k, d] of k items of n tracklets → embeddings [n, d].

    The mean over a tracklet, L2 norm of each part, concatenation, L2 norm of the whole. A part of
    zeros stays zeros.
    """
    means = rows.mean(axis=1, dtype=np.float64)
    return _unit(
        np.concatenate([_unit(part) for part in split_parts(means, parts)], axis=1)
    ).astype(np.float32)


def least_part_cosines(
    expected: NDArray[np.floating],
    received: NDArray[np.floating],
    parts: Sequence[EmbeddingPart],
) -> NDArray[np.float64]:
    """Per row [n, d] the least cosine of its parts; a part without length has the cosine 0.

    Every part is compared on its own, since the embedding gives all parts the same weight however
    wide they are.
    """
    cosines = [
        np.sum(_unit(one) * _unit(other), axis=1)
        for one, other in zip(
            split_parts(expected, parts), split_parts(received, parts), strict=True
        )
    ]
    least: NDArray[np.float64] = np.min(cosines, axis=0)
    return least


def split_parts(
    rows: NDArray[np.floating], parts: Sequence[EmbeddingPart]
) -> list[NDArray[np.float64]]:
    """Rows [n, d] → the columns of each part, in double precision."""
    edges = np.cumsum([part.dimension for part in parts])[:-1]
    return np.split(rows.astype(np.float64), edges, axis=1)


def _unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: NDArray[np.float64] = rows / np.maximum(lengths, np.finfo(float).tiny)
    return unit
