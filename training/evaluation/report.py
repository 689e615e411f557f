"""An evaluation as people read it and as programs do."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict
from rich.console import Console
from rich.table import Table

from training.evaluation.protocol import SELF_RETRIEVAL
from training.evaluation.retrieval_result import DroppedQuery, RetrievalResult


class MethodReport(BaseModel):
    """Metrics of one method, in percent to two decimals."""

    model_config = ConfigDict(frozen=True)

    rank_1: float
    rank_5: float
    rank_10: float
    rank_20: float
    mean_average_precision: float


class EvaluationReport(BaseModel):
    """Methods side by side under one protocol.

    Attributes:
        data: Which tracklets.
        weights_sha256: Of the file that was evaluated.
        protocol: How they were ranked, in one sentence.
        dropped_queries: Name → reason, for every query that could not be answered.
    """

    model_config = ConfigDict(frozen=True)

    data: str
    weights_sha256: str
    protocol: str
    gallery: int
    valid_queries: int
    dropped_queries: dict[str, str]
    methods: dict[str, MethodReport]


def build_report(
    data: str, results: Mapping[str, RetrievalResult], *, weights_sha256: str
) -> EvaluationReport:
    """Put results over the same tracklets beside each other.

    Raises:
        ValueError: When the results were not made from the same queries and gallery.
    """
    first = next(iter(results.values()))
    for name, result in results.items():
        if _asked(result) != _asked(first):
            raise ValueError(
                f"expected {name!r} over the same tracklets as the others, received "
                f"{result.gallery} gallery tracklets and {len(result.dropped)} dropped queries; "
                "evaluate all methods on one split"
            )
    return EvaluationReport(
        data=data,
        weights_sha256=weights_sha256,
        protocol=SELF_RETRIEVAL,
        gallery=first.gallery,
        valid_queries=first.valid_queries,
        dropped_queries={query.name: query.reason for query in first.dropped},
        methods={name: _method_report(result) for name, result in results.items()},
    )


def _asked(result: RetrievalResult) -> tuple[int, int, tuple[DroppedQuery, ...]]:
    return result.gallery, result.valid_queries, result.dropped


def print_report(report: EvaluationReport, console: Console) -> None:
    """Write the report as a table, and every dropped query below it."""
    table = Table(title=f"{report.data}: {report.valid_queries} queries, {report.gallery} gallery")
    table.add_column("method")
    for heading in ("rank-1", "rank-5", "rank-10", "rank-20", "mAP"):
        table.add_column(heading, justify="right")
    for name, method in report.methods.items():
        table.add_row(name, *(f"{value:.2f}" for value in method.model_dump().values()))
    console.print(table)
    console.print(report.protocol)
    console.print(f"{len(report.dropped_queries)} queries dropped")
    for name, reason in report.dropped_queries.items():
        console.print(f"  {name}: {reason}")


def _method_report(result: RetrievalResult) -> MethodReport:
    percent = {k: round(100 * value, 2) for k, value in result.cmc.items()}
    return MethodReport(
        rank_1=percent[1],
        rank_5=percent[5],
        rank_10=percent[10],
        rank_20=percent[20],
        mean_average_precision=round(100 * result.mean_average_precision, 2),
    )
