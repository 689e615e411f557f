"""Precision over recall, averaged over queries."""

import numpy as np
from numpy.typing import NDArray

from training.evaluation.embedding_table import EmbeddingTable
from training.evaluation.exact_similarity import similarity_rows
from training.evaluation.matching import Matching
from training.evaluation.ranking_rules import RankingRules

RECALL_LEVELS = 101


def mean_precision_at_recall(
    query: EmbeddingTable, gallery: EmbeddingTable, rules: RankingRules
) -> NDArray[np.float64]:
    """Mean over valid queries of the interpolated precision at recall 0, 0.01, …, 1: [101].

    The interpolated precision at a recall is the highest precision at that recall or any higher
    (Manning et al., Introduction to Information Retrieval, §8.4).

    Raises:
        ValueError: When no query is valid, the gallery is empty, or dimensions differ.
    """
    matching = Matching(query, gallery, rules)
    right = [matching.right(row) for row in range(len(query))]
    valid = np.array([row for row, rows in enumerate(right) if len(rows)], dtype=np.int64)
    if not len(valid):
        raise ValueError(
            f"expected a query with a right match in the gallery, received none of {len(query)}; "
            "evaluate the retrieval first: it says why queries are dropped"
        )
    total = np.zeros(RECALL_LEVELS)
    asked = query.embeddings[valid]
    every = similarity_rows(asked, gallery.embeddings, chunk_queries=rules.chunk_queries)
    for row, similarities in zip(valid.tolist(), every, strict=True):
        similarities[matching.ignored(row)] = -np.inf
        order = np.argsort(-similarities, kind="stable")
        total += interpolated_precision(1 + np.flatnonzero(np.isin(order, right[row])))
    return total / len(valid)


def interpolated_precision(ranks: NDArray[np.int64]) -> NDArray[np.float64]:
    """Ascending ranks of right matches, 1 the top → precision at 101 levels of recall."""
    found = np.arange(1, len(ranks) + 1)
    highest_later = np.maximum.accumulate((found / ranks)[::-1])[::-1]
    # In whole numbers: recall found/n reaches level/100 from the match ⌈level·n/100⌉ on.
    steps = RECALL_LEVELS - 1
    needed = -(-np.arange(RECALL_LEVELS) * len(ranks) // steps)
    return np.asarray(highest_later[np.maximum(needed, 1) - 1], dtype=np.float64)
