"""What was found on one retrieval task, by every method that was asked."""

from dataclasses import dataclass

from training.evaluation.embedding_table import EmbeddingTable
from training.evaluation.retrieval_result import RetrievalResult
from training.evaluation.retrieval_task import RetrievalTask


@dataclass(frozen=True, slots=True, eq=False)
class MethodRanking:
    """One method: its embeddings of who asks and who is searched, and what came of them."""

    query: EmbeddingTable
    gallery: EmbeddingTable
    result: RetrievalResult


@dataclass(frozen=True, slots=True, eq=False)
class JudgedTask:
    """A task with the rankings of all methods.

    Attributes:
        task: Who asked and who was searched.
        weights_sha256: Of the file of weights.
        methods: Features of the model by name, and the baseline.
    """

    task: RetrievalTask
    weights_sha256: str
    methods: dict[str, MethodRanking]
