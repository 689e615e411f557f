"""CMC, mAP and mINP of a ranked gallery; numpy only (spec §1.11).

Everything is keyed by tables with one row per tracklet, so that similarities, identities and
cameras cannot slip out of step. A ranking is never sorted as a whole: a right match's rank is the
number of gallery tracklets before it, and there are few right matches.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from training.evaluation.embedding_table import EmbeddingTable
from training.evaluation.matching import Matching, Rows
from training.evaluation.ranking_rules import JUNK, RankingRules
from training.evaluation.retrieval_result import (
    DroppedQuery,
    RetrievalResult,
    require_a_valid_query,
)
from training.evaluation.sharpened_similarity import sharpened_similarities

Ranks = NDArray[np.int64]
ScoreChunk = Callable[[slice, Sequence[Rows]], NDArray[np.float64]]
Scorer = Callable[[EmbeddingTable, EmbeddingTable], ScoreChunk]

# Where a tracklet goes that does not count: behind everything that does.
_IGNORED = -np.inf


def evaluate_retrieval(
    query: EmbeddingTable,
    gallery: EmbeddingTable,
    rules: RankingRules | None = None,
    *,
    scorer: Scorer | None = None,
) -> RetrievalResult:
    """Rank the gallery for every query and score the rankings.

    Junk is left out, and so are for each query the tracklets of its identity from its own camera
    and the tracklet of its own name. Ties keep gallery order.

    Args:
        query: Who is asked about.
        gallery: Who is searched; the queries themselves too where the protocol says so.
        rules: What is left out and how it is scored; the standard ones if not given.
        scorer: Makes, of queries and the gallery without junk, what scores a slice of queries
            against the gallery [b, n], larger is closer, so that each query's right rows stand in
            their exact order beside all others; the cosine if not given.

    Raises:
        ValueError: When dimensions differ, the gallery is empty, or no query is left to score.
    """
    result = score_queries(query, gallery, rules or RankingRules(), scorer=scorer)
    require_a_valid_query(result)
    return result


def score_queries(
    query: EmbeddingTable,
    gallery: EmbeddingTable,
    rules: RankingRules,
    *,
    scorer: Scorer | None = None,
) -> RetrievalResult:
    """As `evaluate_retrieval`, for a part of the queries: it may be that none is valid."""
    counted = gallery.take(np.flatnonzero(gallery.identities != JUNK))
    matching = Matching(query, counted, rules)
    right = [matching.right(row) for row in range(len(query))]
    valid = np.array([row for row, rows in enumerate(right) if len(rows)], dtype=np.int64)
    asked = query.take(valid)
    score = (scorer or cosine)(asked, counted)
    ranks: list[Ranks] = []
    for start in range(0, len(valid), rules.chunk_queries):
        chunk = slice(start, start + rules.chunk_queries)
        rows = valid[chunk].tolist()
        for row, scores in zip(rows, score(chunk, [right[row] for row in rows]), strict=True):
            scores[matching.ignored(row)] = _IGNORED
            ranks.append(_ranks(scores, right[row]))
    return RetrievalResult(
        names=asked.names,
        average_precisions=np.array(
            [average_precision(one, rules) for one in ranks], dtype=np.float64
        ),
        first_ranks=np.array([one[0] for one in ranks], dtype=np.int64),
        inverse_penalties=np.array([len(one) / one[-1] for one in ranks], dtype=np.float64),
        positives=np.array([len(one) for one in ranks], dtype=np.int64),
        dropped=tuple(
            DroppedQuery(str(query.names[row]), matching.reason_for_none(row))
            for row, rows in enumerate(right)
            if not len(rows)
        ),
        gallery=len(counted),
        rules=rules,
    )


def cosine(query: EmbeddingTable, gallery: EmbeddingTable) -> ScoreChunk:
    """Score by the cosine of the embeddings."""
    return lambda chunk, right: sharpened_similarities(
        query.embeddings[chunk], gallery.embeddings, right
    )


def average_precision(ranks: Ranks, rules: RankingRules | None = None) -> float:
    """Average precision of right matches at ascending `ranks`, 1 the top (spec §1.11).

    Standard: the mean over right matches of the precision at each. MARS: the mean of the precision
    at each and at the rank before it, where before the first rank it is 1 (`compute_AP.m` of the
    official evaluation).
    """
    found = np.arange(1, len(ranks) + 1)
    precision = found / ranks
    if rules is None or rules.average_precision == "standard":
        return float(np.mean(precision))
    before = np.where(ranks == 1, 1.0, (found - 1) / np.maximum(ranks - 1, 1))
    return float(np.mean((precision + before) / 2))


def without_queries(gallery: EmbeddingTable, query: EmbeddingTable) -> EmbeddingTable:
    """The gallery without the tracklets that are also queries, by name."""
    return gallery.take(np.flatnonzero(~np.isin(gallery.names, query.names)))


def _ranks(scores: NDArray[np.float64], right: NDArray[np.int64]) -> Ranks:
    """Ascending ranks of the gallery rows `right` (ascending): ties go to the lower row."""
    ranks = [
        1 + np.count_nonzero(scores[:row] >= score) + np.count_nonzero(scores[row + 1 :] > score)
        for row, score in zip(right.tolist(), scores[right].tolist(), strict=True)
    ]
    return np.sort(np.array(ranks, dtype=np.int64))
