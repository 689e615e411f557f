"""Features of a model beside the baseline, over the same tracklets under the same protocol."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from model.tracklet_network import TrackletNetwork
from training.data.tracklet import Tracklet
from training.evaluation.clip_embedders import (
    ClipEmbedder,
    HistogramEmbedder,
    NetworkEmbedder,
    Precision,
)
from training.evaluation.embed import join_parts
from training.evaluation.embedding_table import EmbeddingTable
from training.evaluation.feature_groups import default_features, feature_parts
from training.evaluation.histogram import histogram_embeddings
from training.evaluation.judged_task import JudgedTask, MethodRanking
from training.evaluation.query_expansion import expand_queries
from training.evaluation.ranking import evaluate_retrieval
from training.evaluation.ranking_rules import RankingRules
from training.evaluation.rerank import k_reciprocal
from training.evaluation.retrieval_task import RetrievalTask, distinct_tracklets
from training.evaluation.tracklet_features import EmbeddingSettings, embed_parts
from training.frozen_model import Count, FrozenModel

BASELINE = "HSV histogram"


class ComparisonSettings(FrozenModel):
    """What is compared, and how.

    Attributes:
        embedding: How tracklets are embedded.
        precision: Of the network's arithmetic.
        features: Names of features, see `feature_parts`; none means the network's own and, where
            there is one, its student's.
        baseline: Whether colour histograms are compared with.
        rules: How rankings are scored; a task's own rule about outfits is added.
        query_expansion: With how many of the nearest a query is averaged, or none.
        rerank: Whether k-reciprocal re-ranking follows.
    """

    embedding: EmbeddingSettings = EmbeddingSettings()
    precision: Precision = "fp32"
    features: tuple[str, ...] | None = None
    baseline: bool = True
    rules: RankingRules = RankingRules()
    query_expansion: Count | None = None
    rerank: bool = False


class Judgeable(Protocol):
    """What can be judged: a network, or an artifact."""

    @property
    def weights_sha256(self) -> str:
        """Digest of what decides its features."""

    def embedder(self, precision: Precision) -> ClipEmbedder:
        """What embeds."""

    def parts_of(self, names: Sequence[str] | None) -> dict[str, tuple[str, ...]]:
        """Every name of features with its parts; its own names where none are given."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A network to judge, and the digest of the file it came from."""

    network: TrackletNetwork
    weights_sha256: str

    def embedder(self, precision: Precision) -> NetworkEmbedder:
        """The network, computing in this precision."""
        return NetworkEmbedder(
            self.network, weights_sha256=self.weights_sha256, precision=precision
        )

    def parts_of(self, names: Sequence[str] | None) -> dict[str, tuple[str, ...]]:
        """Every name of features with its parts; full and student where none are given.

        Raises:
            ValueError: When the network makes no such features.
        """
        return feature_parts(self.network, names or default_features(self.network))


@dataclass(frozen=True, slots=True, eq=False)
class _Embedded:
    """All tracklets of some tasks, by the methods that are compared: name → [n, d]."""

    tracklets: tuple[Tracklet, ...]
    methods: Mapping[str, NDArray[np.floating]]


def judge(
    candidate: Judgeable,
    tasks: Sequence[RetrievalTask],
    settings: ComparisonSettings,
    *,
    progress: Progress,
) -> Iterator[JudgedTask]:
    """Embed every tracklet of the tasks once, then rank task by task.

    Raises:
        ValueError: When the network makes no such features, a frame cannot be read, or no query of
            a task has an answer.
    """
    embedded = _embed(candidate, distinct_tracklets(tasks), settings, progress)
    row_of = {tracklet.name: row for row, tracklet in enumerate(embedded.tracklets)}
    for task in tasks:
        rules = settings.rules.model_copy(update={"exclude_same_outfit": task.excludes_same_outfit})
        methods = {}
        for name, embeddings in embedded.methods.items():
            query, gallery = (
                EmbeddingTable.of(some, embeddings[[row_of[one.name] for one in some]])
                for some in (task.query, task.gallery)
            )
            methods[name] = _rank(query, gallery, rules, settings)
        yield JudgedTask(task, candidate.weights_sha256, methods)


def _rank(
    query: EmbeddingTable,
    gallery: EmbeddingTable,
    rules: RankingRules,
    settings: ComparisonSettings,
) -> MethodRanking:
    if settings.query_expansion is not None:
        query = expand_queries(query, gallery, neighbours=settings.query_expansion)
    scorer = k_reciprocal() if settings.rerank else None
    return MethodRanking(query, gallery, evaluate_retrieval(query, gallery, rules, scorer=scorer))


def _embed(
    candidate: Judgeable,
    tracklets: tuple[Tracklet, ...],
    settings: ComparisonSettings,
    progress: Progress,
) -> _Embedded:
    groups = candidate.parts_of(settings.features)
    embedder = candidate.embedder(settings.precision)
    parts = embed_parts(tracklets, embedder, settings.embedding, title="model", progress=progress)
    methods: dict[str, NDArray[np.floating]] = {
        name: join_parts([parts[part] for part in group]) for name, group in groups.items()
    }
    if settings.baseline:
        methods[BASELINE] = embed_histograms(
            tracklets, HistogramEmbedder.beside(embedder), settings.embedding, progress=progress
        )
    return _Embedded(tracklets, methods)


def embed_histograms(
    tracklets: Sequence[Tracklet],
    embedder: HistogramEmbedder,
    settings: EmbeddingSettings,
    *,
    progress: Progress,
) -> NDArray[np.float64]:
    """The baseline's embeddings [n, d]."""
    parts = embed_parts(tracklets, embedder, settings, title=BASELINE, progress=progress)
    return histogram_embeddings(parts["histogram"])
