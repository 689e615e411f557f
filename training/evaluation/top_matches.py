"""The first gallery tracklets of a query, each with its verdict, for people to look at."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from training.evaluation.embedding_table import EmbeddingTable
from training.evaluation.exact_similarity import nearest_rows, similarity_rows
from training.evaluation.matching import Matching
from training.evaluation.ranking_rules import RankingRules


class Verdict(StrEnum):
    """What a tracklet in a ranked list is to its query; the rules pass over what is ignored."""

    RIGHT = "right"
    WRONG = "wrong"
    IGNORED = "ignored"


@dataclass(frozen=True, eq=False)
class TopMatches:
    """The first k gallery tracklets of one query, the nearest first.

    Attributes:
        query: Name of the query.
        rows: [k], rows of the gallery table.
        similarities: [k].
        verdicts: One for each.
    """

    query: str
    rows: NDArray[np.int64]
    similarities: NDArray[np.float64]
    verdicts: tuple[Verdict, ...]


def top_matches(
    query: EmbeddingTable, gallery: EmbeddingTable, rules: RankingRules, k: int
) -> Iterator[TopMatches]:
    """Ranked lists of all queries in turn, those without a right match too.

    What the rules ignore is listed as well, so that a person sees what was left out; only the
    gallery tracklet of the query's own name is not. Ties keep gallery order.

    Raises:
        ValueError: When `k` is below 1, the gallery is empty, or dimensions differ.
    """
    if k < 1:
        raise ValueError(f"expected at least 1 match per query, received {k}; ask for more")
    matching = Matching(query, gallery, rules)
    rows = similarity_rows(query.embeddings, gallery.embeddings, chunk_queries=rules.chunk_queries)
    return (_listed(query, gallery, matching, row=row, k=k, scores=s) for row, s in enumerate(rows))


def _listed(
    query: EmbeddingTable,
    gallery: EmbeddingTable,
    matching: Matching,
    *,
    row: int,
    k: int,
    scores: NDArray[np.float64],
) -> TopMatches:
    others = np.flatnonzero(gallery.names != query.names[row])
    rows = others[nearest_rows(scores[others], k)]
    right, ignored = set(matching.right(row).tolist()), set(matching.ignored(row).tolist())
    return TopMatches(
        query=str(query.names[row]),
        rows=rows,
        similarities=scores[rows],
        verdicts=tuple(_verdict(one, right, ignored) for one in rows.tolist()),
    )


def _verdict(row: int, right: set[int], ignored: set[int]) -> Verdict:
    if row in ignored:
        return Verdict.IGNORED
    return Verdict.RIGHT if row in right else Verdict.WRONG
