"""k-reciprocal re-ranking (Zhong et al., CVPR 2017), sparse; reported separately, never by default.

Queries and gallery are neighbours of each other. A tracklet is encoded by its k-reciprocal
neighbours; two are close where their codes overlap (Jaccard), mixed with the original distance.
The dense method holds three n × n matrices; here only codes of some dozens of entries per tracklet
are kept, and distances are made per chunk of queries. Numbers are the same: where codes do not
overlap the Jaccard distance is 1, and the original distance ranks on.

Departs: a tracklet that is both query and gallery counts once, by its name; the paper's code, which
knows no names, counts it twice. No label is used, so the same-camera rule applies to the result
only.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from training.evaluation.embedding_table import EmbeddingTable
from training.evaluation.exact_similarity import (
    exact_similarities,
    nearest_rows,
    similarity_rows,
)
from training.evaluation.matching import Rows
from training.evaluation.ranking import ScoreChunk, Scorer

Embeddings = NDArray[np.float32]

CHUNK_ROWS = 128


@dataclass(frozen=True, slots=True)
class Reciprocal:
    """The method's numbers, the paper's own if not given.

    Attributes:
        k1: Neighbours among which reciprocal ones are sought.
        k2: Nearest tracklets whose codes are averaged.
        original: Weight of the original distance (λ).

    Raises:
        ValueError: When one is out of range.
    """

    k1: int = 20
    k2: int = 6
    original: float = 0.3

    def __post_init__(self) -> None:
        if self.k1 < 1 or not 1 <= self.k2 <= self.k1 + 1 or not 0 <= self.original <= 1:
            raise ValueError(
                f"expected k1 of 1 or more, k2 from 1 to k1 + 1 and a weight from 0 to 1, received "
                f"{self.k1}, {self.k2} and {self.original}; the paper takes 20, 6 and 0.3"
            )


def k_reciprocal(
    numbers: Reciprocal | None = None, *, announce: Callable[[str], None] = lambda _: None
) -> Scorer:
    """A scorer for `evaluate_retrieval` that re-ranks.

    Args:
        numbers: Of the method.
        announce: Told beforehand how much memory is about to be used.
    """
    chosen = numbers or Reciprocal()

    def scorer(query: EmbeddingTable, gallery: EmbeddingTable) -> ScoreChunk:
        together = np.concatenate(
            [query.embeddings, gallery.embeddings[~np.isin(gallery.names, query.names)]]
        )
        announce(
            f"re-ranking {len(together)} tracklets takes about "
            f"{estimated_bytes(len(together), chosen) / 1e6:.0f} MB"
        )
        distances = _ReciprocalDistances(together, chosen)
        columns = _places(query, gallery)

        def score(chunk: slice, _: Sequence[Rows]) -> NDArray[np.float64]:
            rows = range(len(query))[chunk]
            return np.stack([-distances.to_all(row)[columns] for row in rows])

        return score

    return scorer


def estimated_bytes(tracklets: int, numbers: Reciprocal) -> int:
    """Neighbour lists, codes before and after averaging and by column, and one chunk of rows."""
    code = 2 * numbers.k1
    lists = 8 * tracklets * (numbers.k1 + 1)
    codes = 16 * tracklets * code * (1 + 2 * numbers.k2)
    return lists + codes + 8 * CHUNK_ROWS * tracklets


def _places(query: EmbeddingTable, gallery: EmbeddingTable) -> Rows:
    """Where each gallery tracklet stands among queries and the gallery's others."""
    row_of = {name: row for row, name in enumerate(query.names.tolist())}
    places, following = [], len(query)
    for name in gallery.names.tolist():
        places.append(row_of.get(name, following))
        following += name not in row_of
    return np.array(places, dtype=np.int64)


class _ReciprocalDistances:
    """Codes of n tracklets, and from them the distances of any one to all."""

    def __init__(self, embeddings: Embeddings, numbers: Reciprocal) -> None:
        self._embeddings, self._numbers = embeddings, numbers
        self._nearest, self._furthest = _neighbours(embeddings, numbers.k1 + 1)
        codes = [self._code(row) for row in range(len(embeddings))]
        self._codes = _averaged(_stacked(codes), self._nearest[:, : numbers.k2])
        self._columns = self._codes.tocsc()

    def to_all(self, row: int) -> NDArray[np.float64]:
        """Mixed distances of one tracklet to all, itself too: [n]."""
        overlap = self._overlap(row)
        jaccard = 1 - overlap / (2 - overlap)
        every = np.arange(len(self._embeddings))
        weight = self._numbers.original
        return (1 - weight) * jaccard + weight * self._original(row, every)

    def _original(self, row: int, others: Rows) -> NDArray[np.float64]:
        """Squared Euclidean distances, 1 for the furthest."""
        similarity = exact_similarities(self._embeddings[[row]], self._embeddings[others])[0]
        distances: NDArray[np.float64] = (2 - 2 * similarity) / self._furthest[row]
        return distances

    def _overlap(self, row: int) -> NDArray[np.float64]:
        """Sum of the smaller of two codes, entry by entry, with every tracklet: [n]."""
        code, columns = self._codes, self._columns
        entries = slice(code.indptr[row], code.indptr[row + 1])
        bounds = [(columns.indptr[c], columns.indptr[c + 1]) for c in code.indices[entries]]
        holders = np.concatenate([columns.indices[start:stop] for start, stop in bounds])
        theirs = np.concatenate([columns.data[start:stop] for start, stop in bounds])
        own = np.repeat(code.data[entries], [stop - start for start, stop in bounds])
        overlap = np.zeros(len(self._embeddings))
        np.add.at(overlap, holders, np.minimum(own, theirs))
        return overlap

    def _code(self, row: int) -> tuple[Rows, NDArray[np.float64]]:
        """Reciprocal neighbours, their own where most are shared, and weights that sum to 1."""
        half = round(self._numbers.k1 / 2)
        found = self._reciprocal(row, self._numbers.k1)
        expanded = [found]
        for neighbour in found.tolist():
            theirs = self._reciprocal(neighbour, half)
            if len(np.intersect1d(theirs, found)) > 2 / 3 * len(theirs):
                expanded.append(theirs)
        members = np.unique(np.concatenate([*expanded, [row]]))
        weights = np.exp(-self._original(row, members))
        return members, weights / weights.sum()

    def _reciprocal(self, row: int, k: int) -> Rows:
        """Those of the k + 1 nearest, itself among them, that have it among theirs."""
        forward = self._nearest[row, : k + 1]
        backward = self._nearest[forward, : k + 1]
        reciprocal: Rows = forward[(backward == row).any(axis=1)]
        return reciprocal


def _neighbours(embeddings: Embeddings, count: int) -> tuple[Rows, NDArray[np.float64]]:
    """The nearest rows [n, count], and the squared distance of the furthest [n]."""
    nearest, furthest = [], []
    for scores in similarity_rows(embeddings, embeddings, chunk_queries=CHUNK_ROWS):
        nearest.append(nearest_rows(scores, count))
        furthest.append(max(2 - 2 * float(scores.min()), np.finfo(np.float64).tiny))
    return np.stack(nearest), np.array(furthest)


def _stacked(codes: Sequence[tuple[Rows, NDArray[np.float64]]]) -> csr_array:
    lengths = [len(members) for members, _ in codes]
    indices = np.concatenate([members for members, _ in codes])
    weights = np.concatenate([weights for _, weights in codes])
    pointers = np.concatenate([[0], np.cumsum(lengths)])
    return csr_array((weights, indices, pointers), shape=(len(codes), len(codes)))


def _averaged(codes: csr_array, nearest: Rows) -> csr_array:
    """Mean of the codes of the nearest, itself among them (local query expansion)."""
    rows, count = nearest.shape
    pick = csr_array(
        (
            np.full(nearest.size, 1 / count),
            nearest.ravel(),
            np.arange(0, nearest.size + 1, count),
        ),
        shape=(rows, rows),
    )
    averaged = csr_array(pick @ codes)
    averaged.sort_indices()
    return averaged
