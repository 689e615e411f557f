"""One way of embedding, with all that its part of a report is made from."""

from dataclasses import dataclass

from training.evaluation.embedding_table import EmbeddingTable
from training.evaluation.retrieval_result import RetrievalResult


@dataclass(frozen=True, eq=False)
class ScoredMethod:
    """Who was asked about and searched, and how well it went."""

    query: EmbeddingTable
    gallery: EmbeddingTable
    result: RetrievalResult
