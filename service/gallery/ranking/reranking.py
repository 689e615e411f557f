"""k-reciprocal re-ranking (Zhong et al., CVPR 2017) of the first matches of one search.

Query and matches are neighbours of each other. Each is encoded by its k-reciprocal neighbours; two
are close where their codes overlap (Jaccard), mixed with the original distance (eq. 12). With at
most 200 matches the few n × n matrices take less than 2 MB; a whole gallery is never compared with
itself. The values depend on the other matches: they order one answer, and are compared with
nothing else.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.errors import InvalidQuery

MOST_RERANKED = 200

Vectors = NDArray[np.float32]
Values = NDArray[np.float64]
Order = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Reranking:
    """How many of the first matches are ordered anew, and the method's numbers (the paper's).

    Attributes:
        first: Matches, counted before re-ranking.
        k1: Neighbours among which reciprocal ones are sought.
        k2: Nearest neighbours whose codes are averaged.
        original: Weight of the original distance (λ).

    Raises:
        InvalidQuery: When one is out of range.
    """

    first: int = 100
    k1: int = 20
    k2: int = 6
    original: float = 0.3

    def __post_init__(self) -> None:
        """Refuse what takes more memory than one search may, or has no meaning."""
        if not 1 <= self.first <= MOST_RERANKED:
            raise InvalidQuery(
                expected=f"1 to {MOST_RERANKED} matches to re-rank",
                received=str(self.first),
                remedy="re-rank fewer; the others follow in their own order",
            )
        in_range = 1 <= self.k1 <= MOST_RERANKED and 1 <= self.k2 <= self.k1 + 1
        if not (in_range and 0 <= self.original <= 1):
            raise InvalidQuery(
                expected=f"k1 from 1 to {MOST_RERANKED}, k2 from 1 to k1 + 1, and a weight of the "
                "original distance from 0 to 1",
                received=f"k1 {self.k1}, k2 {self.k2} and {self.original}",
                remedy="leave them out for 20, 6 and 0.3",
            )


def reranked(query: Vectors, matches: Vectors, numbers: Reranking) -> Values:
    """A value in [0, 1] for each of the matches [m, d], in the order in which they were found.

    Larger is closer: 1 minus the final distance of the paper. Of neighbours that are equally
    similar the one found earlier counts as nearer, the query before all.
    """
    together = np.concatenate([query[None], matches]).astype(np.float64)
    together /= np.sqrt((together * together).sum(axis=1, keepdims=True))
    # Rounded, so that equal rows are equally similar whatever the order of a sum was.
    similarities = (together @ together.T).astype(np.float32).astype(np.float64)
    distances = _original_distances(similarities)
    nearest = np.argsort(-similarities, axis=1, kind="stable")[:, : numbers.k1 + 1]
    codes = _codes(nearest, distances, numbers.k1)
    averaged = _averaged(codes, nearest[:, : numbers.k2])
    overlap = np.minimum(averaged[0], averaged).sum(axis=1)
    jaccard = 1 - overlap / (2 - overlap)
    weight = numbers.original
    values: Values = 1 - ((1 - weight) * jaccard + weight * distances[0])
    return np.clip(values[1:], 0.0, 1.0)


def _original_distances(similarities: Values) -> Values:
    """Squared Euclidean distances [n, n] in [0, 1]: in each row 1 for the furthest."""
    distances = np.maximum(2 - 2 * similarities, 0.0)
    furthest = np.maximum(distances.max(axis=1, keepdims=True), np.finfo(np.float64).tiny)
    scaled: Values = distances / furthest
    return scaled


def _codes(nearest: Order, distances: Values, k1: int) -> Values:
    """Weights [n, n], each row of sum 1: of which neighbours a row is made."""
    close, closest = _reciprocal(nearest, k1), _reciprocal(nearest, round(k1 / 2))
    # In whole numbers, which float32 holds exactly: no rounding decides what two thirds are.
    shared = close.astype(np.float32) @ closest.T.astype(np.float32)
    trusted = close & (3 * shared > 2 * closest.sum(axis=1))
    of_trusted = trusted.astype(np.float32) @ closest.astype(np.float32) > 0
    members = close | of_trusted | np.eye(len(close), dtype=np.bool_)
    codes = np.where(members, np.exp(-distances), 0.0)
    weighted: Values = codes / codes.sum(axis=1, keepdims=True)
    return weighted


def _averaged(codes: Values, nearest: Order) -> Values:
    """Mean of the codes [n, n] of the nearest, itself among them (local query expansion)."""
    share = np.zeros_like(codes)
    share[np.arange(len(codes))[:, None], nearest] = 1 / nearest.shape[1]
    averaged: Values = share @ codes
    return averaged


def _reciprocal(nearest: Order, k: int) -> NDArray[np.bool_]:
    """Whether each [n] and each other [n] are among the k + 1 nearest of one another."""
    rows = len(nearest)
    among = np.zeros((rows, rows), dtype=np.bool_)
    among[np.arange(rows)[:, None], nearest[:, : k + 1]] = True
    mutual: NDArray[np.bool_] = among & among.T
    return mutual
