"""Similarities of pairs of the same person and of different people, in bounded memory."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.evaluation.embedding_table import EmbeddingTable
from training.evaluation.exact_similarity import similarity_rows
from training.evaluation.matching import Matching
from training.evaluation.ranking_rules import DISTRACTOR, RankingRules

Similarities = NDArray[np.float64]
Counts = NDArray[np.int64]

BINS = 20_000


def pair_similarities(
    query: EmbeddingTable, gallery: EmbeddingTable, rules: RankingRules
) -> Iterator[tuple[Similarities, Similarities]]:
    """For every query that asks about somebody: similarities to the same person, and to others.

    What a ranking ignores (junk, itself, its own camera) is in neither.

    Raises:
        ValueError: When the gallery is empty or dimensions differ.
    """
    matching = Matching(query, gallery, rules)
    rows = similarity_rows(query.embeddings, gallery.embeddings, chunk_queries=rules.chunk_queries)
    return (
        _split(scores, matching.right(row), matching.ignored(row))
        for row, scores in enumerate(rows)
        if query.identities[row] > DISTRACTOR
    )


def _split(
    scores: Similarities, right: NDArray[np.int64], ignored: NDArray[np.int64]
) -> tuple[Similarities, Similarities]:
    different = np.ones(len(scores), dtype=np.bool_)
    different[right] = different[ignored] = False
    return scores[right], scores[different]


@dataclass(frozen=True, eq=False)
class SimilarityHistograms:
    """How many pairs have which similarity.

    Attributes:
        edges: [m], ascending from -1 to 1; bin i holds similarities from edge i up to the next,
            the last bin those of 1 and, by rounding, above.
        same: [m], pairs of one person.
        different: [m], pairs of two people.
    """

    edges: NDArray[np.float64]
    same: Counts
    different: Counts

    def coarser(self, bins: int) -> "SimilarityHistograms":
        """The same pairs in `bins` bins of equal width over [-1, 1] and one of similarity 1.

        Raises:
            ValueError: When the fine bins cannot be joined to so many.
        """
        fine = len(self.edges) - 1
        if bins < 1 or fine % bins:
            raise ValueError(
                f"expected a number of bins that divides {fine}, received {bins}; choose a divisor"
            )
        starts = np.arange(0, fine + 1, fine // bins)
        return SimilarityHistograms(
            edges=self.edges[starts],
            same=np.add.reduceat(self.same, starts),
            different=np.add.reduceat(self.different, starts),
        )


def similarity_histograms(
    query: EmbeddingTable,
    gallery: EmbeddingTable,
    rules: RankingRules | None = None,
    *,
    bins: int = BINS,
) -> SimilarityHistograms:
    """Count the pairs of all queries; a bin is 2 ÷ `bins` wide, 10⁻⁴ if not given."""
    same, different = np.zeros((2, bins + 1), dtype=np.int64)
    for near, far in pair_similarities(query, gallery, rules or RankingRules()):
        same += _count(near, bins)
        different += _count(far, bins)
    return SimilarityHistograms(np.linspace(-1, 1, bins + 1), same, different)


def _count(similarities: Similarities, bins: int) -> Counts:
    positions = np.floor((similarities + 1) * (bins / 2)).astype(np.int64)
    return np.bincount(np.clip(positions, 0, bins), minlength=bins + 1)
