"""From files of weights and a data set to a judged result."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from rich.progress import Progress

from model.manifest import file_digest
from model.weights import open_network
from training.evaluation.artifact_candidate import ArtifactCandidate
from training.evaluation.compare import Candidate, ComparisonSettings, Judgeable, judge
from training.evaluation.judged_task import JudgedTask
from training.evaluation.protocol import RetrievalProtocol
from training.evaluation.report import EvaluationReport, build_report
from training.evaluation.rerank import Reciprocal
from training.evaluation.retrieval_task import RetrievalTask, TaskSet

SPLIT_FIELD = "{split}"
CACHE_FOLDER = "features"


@dataclass(frozen=True, slots=True)
class WeightsToJudge:
    """Where weights are, and where their features go.

    Attributes:
        path: `weights.safetensors`, or the directory of an artifact; with `{split}` in it, one per
            split.
        device: What computes; an artifact's graph runs on the CPU.
        cache: Directory of features; none keeps nothing.
    """

    path: Path
    device: torch.device
    cache: Path | None = None

    @property
    def per_split(self) -> bool:
        """Whether every split has weights of its own."""
        return SPLIT_FIELD in str(self.path)

    def shares(self, tasks: Sequence[RetrievalTask]) -> list[tuple[Path, list[RetrievalTask]]]:
        """Each file of weights with the tasks it is judged on."""
        if not self.per_split:
            return [(self.path, list(tasks))]
        return [(Path(str(self.path).replace(SPLIT_FIELD, task.split)), [task]) for task in tasks]


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """A report, and the rankings it was made from.

    Attributes:
        report: What is printed.
        judged: A task per split of the report, in its order.
    """

    report: EvaluationReport
    judged: tuple[JudgedTask, ...]


def evaluate_weights(
    weights: WeightsToJudge,
    data: TaskSet,
    settings: ComparisonSettings,
    *,
    progress: Progress,
) -> Evaluation:
    """Judge weights on every task of a data set, under one protocol.

    Raises:
        ValueError: When a file of weights is missing or of another kind than the others, the
            network makes no such features, a frame cannot be read, or no query has an answer.
    """
    protocols: list[RetrievalProtocol] = []
    judged: list[JudgedTask] = []
    for path, tasks in weights.shares(data.tasks):
        candidate = _candidate(path, weights.device)
        protocols.append(_protocol(candidate, weights, data, settings))
        _require_same_protocol(protocols, path)
        kept = settings.embedding.model_copy(update={"cache": weights.cache})
        own = settings.model_copy(update={"embedding": kept})
        judged.extend(judge(candidate, tasks, own, progress=progress))
    report = build_report(protocols[0], judged, device=weights.device.type)
    return Evaluation(report, tuple(judged))


def _candidate(path: Path, device: torch.device) -> Judgeable:
    if path.is_dir():
        return ArtifactCandidate(path)
    network = open_network(path).to(device)
    return Candidate(network, weights_sha256=file_digest(path).sha256)


def default_cache(weights: Path) -> Path | None:
    """Where features are kept unless another place is named: beside the weights.

    Not beside an artifact, which is passed on, and features are biometric data.
    """
    if weights.is_dir():
        return None
    shared = next(folder for folder in weights.parents if SPLIT_FIELD not in str(folder))
    return shared / CACHE_FOLDER


def _protocol(
    candidate: Judgeable,
    weights: WeightsToJudge,
    data: TaskSet,
    settings: ComparisonSettings,
) -> RetrievalProtocol:
    embedder = candidate.embedder(settings.precision)
    plan, (height, width) = embedder.plan(settings.embedding.mode), embedder.size
    return RetrievalProtocol(
        data_set=data.data_set,
        splits=tuple(task.split for task in data.tasks),
        weights="one file per split" if weights.per_split else "one file",
        validation_identities=data.validation_identities,
        queries="every tracklet" if data.tasks[0].asks_itself else "of the split",
        gallery_includes_query=all(task.gallery_includes_query for task in data.tasks),
        same_camera=settings.rules.same_camera,
        same_outfit="exclude" if data.tasks[0].excludes_same_outfit else "keep",
        average_precision=settings.rules.average_precision,
        frames=settings.embedding.mode,
        sampled_frames=plan.sampled_frames,
        clips=plan.arrangement,
        height=height,
        width=width,
        precision=settings.precision,
        rerank=_reciprocal_numbers() if settings.rerank else None,
        query_expansion=settings.query_expansion,
    )


def _reciprocal_numbers() -> str:
    numbers = Reciprocal()
    return f"k-reciprocal, k1 {numbers.k1}, k2 {numbers.k2}, λ {numbers.original}"


def _require_same_protocol(protocols: Sequence[RetrievalProtocol], path: Path) -> None:
    first, last = protocols[0], protocols[-1]
    if first != last:
        names = [name for name, value in first if value != getattr(last, name)]
        raise ValueError(
            f"expected weights of one kind of model for all splits, received {path} with other "
            f"{names}; train one configuration on every split"
        )
