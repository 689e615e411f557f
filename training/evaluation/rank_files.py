"""Two files of embeddings → a report."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from training.evaluation.embedding_file import EmbeddingFile, read_embedding_file
from training.evaluation.embedding_table import EmbeddingTable
from training.evaluation.processes import evaluate_in_processes
from training.evaluation.query_expansion import expand_queries
from training.evaluation.ranking import evaluate_retrieval, without_queries
from training.evaluation.ranking_report import (
    RankingProtocol,
    RankingReport,
    build_ranking_report,
)
from training.evaluation.ranking_rules import RankingRules
from training.evaluation.rerank import k_reciprocal
from training.evaluation.retrieval_result import RetrievalResult
from training.frozen_model import Count, FrozenModel


class RankOptions(FrozenModel):
    """How two files are ranked.

    Attributes:
        rules: What is left out and how it is scored.
        without_queries: Take the queries out of the gallery, by name.
        query_expansion: Nearest tracklets that each query is averaged with; 0 is none.
        rerank: By k-reciprocal neighbours.
        processes: That share the queries out.
    """

    rules: RankingRules = RankingRules()
    without_queries: bool = False
    query_expansion: int = 0
    rerank: bool = False
    processes: Count = 1


def rank_files(
    query: Path,
    gallery: Path,
    options: RankOptions,
    *,
    announce: Callable[[str], None] = lambda _: None,
) -> RankingReport:
    """Read both files, rank and score; what takes much memory is announced beforehand.

    Raises:
        ValueError: When a file is refused, the options exclude each other, or no query is left.
    """
    asked = read_embedding_file(query, prefix="query ")
    searched = read_embedding_file(gallery, prefix="gallery ")
    _require_possible(asked, searched, options)
    table = searched.table
    if options.without_queries:
        table = without_queries(table, asked.table)
    result = _rank(asked.table, table, options, announce)
    protocol = RankingProtocol(
        rules=options.rules,
        gallery_includes_query=bool(np.isin(asked.table.names, table.names).any()),
        query_expansion=options.query_expansion,
        reranked=options.rerank,
        normalized_here=asked.normalized_here + searched.normalized_here,
    )
    return build_ranking_report(result, protocol)


def _rank(
    query: EmbeddingTable,
    gallery: EmbeddingTable,
    options: RankOptions,
    announce: Callable[[str], None],
) -> RetrievalResult:
    if options.query_expansion:
        query = expand_queries(query, gallery, neighbours=options.query_expansion)
    if options.processes > 1:
        return evaluate_in_processes(query, gallery, options.rules, processes=options.processes)
    scorer = k_reciprocal(announce=announce) if options.rerank else None
    return evaluate_retrieval(query, gallery, options.rules, scorer=scorer)


def _require_possible(asked: EmbeddingFile, searched: EmbeddingFile, options: RankOptions) -> None:
    if options.without_queries and not (asked.named and searched.named):
        raise ValueError(
            "expected an array names in both files, by which queries are taken out of the gallery, "
            "received none; write names or leave out --without-queries"
        )
    if options.rerank and options.processes > 1:
        raise ValueError(
            "expected re-ranking in one process, since every query counts among the neighbours, "
            f"received {options.processes}; leave out --processes"
        )
