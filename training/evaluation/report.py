"""An evaluation as programs read it: JSON with the protocol beside the numbers."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Annotated, Self

from pydantic import Field

from training.data.tracklet import tracklets_digest
from training.evaluation.judged_task import JudgedTask
from training.evaluation.open_set_report import OpenSetReport
from training.evaluation.protocol import RetrievalProtocol
from training.evaluation.retrieval_result import DroppedQuery, RetrievalResult
from training.evaluation.several_splits import over_splits
from training.frozen_model import FrozenModel

_VERSIONS = ("torch", "timm", "numpy", "pillow")


class MethodReport(FrozenModel):
    """Metrics of one method, in percent to two decimals; the last is mINP."""

    rank_1: float
    rank_5: float
    rank_10: float
    rank_20: float
    mean_average_precision: float
    mean_inverse_penalty: float

    @classmethod
    def of(cls, result: RetrievalResult) -> Self:
        """What was found, in percent."""
        return cls.of_fractions(result.metrics())

    @classmethod
    def of_fractions(cls, metrics: Mapping[str, float]) -> Self:
        """`RetrievalResult.metrics`, or their spread, in percent."""
        return cls(
            rank_1=_percent(metrics["rank1"]),
            rank_5=_percent(metrics["rank5"]),
            rank_10=_percent(metrics["rank10"]),
            rank_20=_percent(metrics["rank20"]),
            mean_average_precision=_percent(metrics["mAP"]),
            mean_inverse_penalty=_percent(metrics["mINP"]),
        )


class MethodSummary(FrozenModel):
    """A method over all splits.

    Attributes:
        mean: Over the splits.
        std: Sample standard deviation over the splits; none where there is one split.
    """

    mean: MethodReport
    std: MethodReport | None


class SplitReport(FrozenModel):
    """Methods side by side on one split.

    Attributes:
        name: Of the split.
        weights_sha256: Of the file that was evaluated; of an artifact its fingerprint.
        data_sha256: Of who asked and who was searched (names, identities, cameras, frame names).
        gallery: Gallery tracklets, junk not counted.
        valid_queries: Queries that count.
        dropped_queries: Name → reason, for every query that could not be answered.
        methods: Features of the model, and the baseline.
    """

    name: str
    weights_sha256: str
    data_sha256: str
    gallery: int
    valid_queries: int
    dropped_queries: dict[str, str]
    methods: Annotated[dict[str, MethodReport], Field(min_length=1)]

    def dropped_by_reason(self) -> dict[str, list[str]]:
        """Reason → the queries dropped for it."""
        named: dict[str, list[str]] = {}
        for name, reason in self.dropped_queries.items():
            named.setdefault(reason, []).append(name)
        return named


class EvaluationReport(FrozenModel):
    """Methods side by side under one protocol.

    Attributes:
        protocol: How they were compared.
        splits: At least one.
        summary: Method → its mean and spread over the splits.
        versions: Packages that decide the last digits, and the kind of device.
        open_set: DIR@FAR of every split, where it was asked for.
    """

    protocol: RetrievalProtocol
    splits: Annotated[tuple[SplitReport, ...], Field(min_length=1)]
    summary: dict[str, MethodSummary]
    versions: dict[str, str]
    open_set: tuple[OpenSetReport, ...] = ()


def build_report(
    protocol: RetrievalProtocol, judged: Sequence[JudgedTask], *, device: str
) -> EvaluationReport:
    """Put what was judged under its protocol, in percent.

    Raises:
        ValueError: When methods were not asked the same queries about the same gallery.
    """
    splits = tuple(_split_report(one) for one in judged)
    return EvaluationReport(
        protocol=protocol,
        splits=splits,
        summary={
            name: _summary([one.methods[name].result for one in judged])
            for name in splits[0].methods
        },
        versions={name: version(name) for name in _VERSIONS} | {"device": device},
    )


def _split_report(judged: JudgedTask) -> SplitReport:
    results = {name: method.result for name, method in judged.methods.items()}
    first = next(iter(results.values()))
    for name, result in results.items():
        if _asked(result) != _asked(first):
            raise ValueError(
                f"expected {name!r} over the same tracklets as the others, received "
                f"{result.gallery} gallery tracklets and {len(result.dropped)} dropped queries; "
                "evaluate all methods on one split"
            )
    return SplitReport(
        name=judged.task.split,
        weights_sha256=judged.weights_sha256,
        data_sha256=tracklets_digest((*judged.task.query, *judged.task.gallery)),
        gallery=first.gallery,
        valid_queries=first.valid_queries,
        dropped_queries={query.name: query.reason for query in first.dropped},
        methods={name: MethodReport.of(result) for name, result in results.items()},
    )


def _asked(result: RetrievalResult) -> tuple[int, int, tuple[DroppedQuery, ...]]:
    return result.gallery, result.valid_queries, result.dropped


def _summary(results: Sequence[RetrievalResult]) -> MethodSummary:
    spreads = over_splits(results)
    deviations = {
        name: spread.standard_deviation
        for name, spread in spreads.items()
        if spread.standard_deviation is not None
    }
    return MethodSummary(
        mean=MethodReport.of_fractions({name: spread.mean for name, spread in spreads.items()}),
        std=MethodReport.of_fractions(deviations) if deviations else None,
    )


def _percent(fraction: float) -> float:
    return round(100 * fraction, 2)
