"""One evaluation shared out between processes; it equals the evaluation in one."""

import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

import numpy as np

from training.evaluation.embedding_table import EmbeddingTable
from training.evaluation.ranking import score_queries
from training.evaluation.ranking_rules import RankingRules
from training.evaluation.retrieval_result import (
    RetrievalResult,
    merge_results,
    require_a_valid_query,
)

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def evaluate_in_processes(
    query: EmbeddingTable, gallery: EmbeddingTable, rules: RankingRules, *, processes: int
) -> RetrievalResult:
    """As `evaluate_retrieval`, by so many fresh processes, each with a part of the queries.

    Every process holds a copy of the gallery, and its share of the processor's threads.

    Raises:
        ValueError: When there are fewer than one process or fewer queries than processes, and for
            what `evaluate_retrieval` refuses.
    """
    if not 1 <= processes <= max(len(query), 1):
        raise ValueError(
            f"expected 1 to {max(len(query), 1)} processes for {len(query)} queries, received "
            f"{processes}; every process needs a query"
        )
    parts = [query.take(rows) for rows in np.array_split(np.arange(len(query)), processes)]
    spawned = multiprocessing.get_context("spawn")
    with _threads_shared_by(processes), ProcessPoolExecutor(processes, spawned) as pool:
        results = list(pool.map(score_queries, parts, [gallery] * processes, [rules] * processes))
    merged = merge_results(results)
    require_a_valid_query(merged)
    return merged


@contextmanager
def _threads_shared_by(processes: int) -> Iterator[None]:
    """Processes started meanwhile use their share of threads: libraries read it as they load."""
    before = {name: os.environ.get(name) for name in _THREADS}
    share = str(max(1, (os.cpu_count() or 1) // processes))
    os.environ.update(dict.fromkeys(_THREADS, share))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
