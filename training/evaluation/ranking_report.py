"""What `reid-train rank` prints, for programs and for people."""

from pydantic import BaseModel, ConfigDict
from rich.console import Console
from rich.table import Table

from training.evaluation.ranking_rules import RankingRules
from training.evaluation.retrieval_result import RetrievalResult

NAMED_AT_MOST = 20


class RankingProtocol(BaseModel):
    """How the numbers came about."""

    model_config = ConfigDict(frozen=True)

    rules: RankingRules
    similarity: str = "cosine"
    gallery_includes_query: bool
    query_expansion: int
    reranked: bool
    normalized_here: int


class RankingReport(BaseModel):
    """Metrics as fractions of 1.

    Attributes:
        dropped: Name → reason, of every query that does not count.
    """

    model_config = ConfigDict(frozen=True)

    rank1: float
    rank5: float
    rank10: float
    rank20: float
    mAP: float  # noqa: N815 (the field's own name, asked for by those who read the JSON)
    mINP: float  # noqa: N815
    unit: str = "fraction of 1"
    valid_queries: int
    dropped_queries: int
    gallery: int
    dropped: dict[str, str]
    protocol: RankingProtocol


def build_ranking_report(result: RetrievalResult, protocol: RankingProtocol) -> RankingReport:
    """Numbers of a result beside how they came about."""
    return RankingReport(
        **result.metrics(),
        valid_queries=result.valid_queries,
        dropped_queries=len(result.dropped),
        gallery=result.gallery,
        dropped={query.name: query.reason for query in result.dropped},
        protocol=protocol,
    )


def print_ranking_report(report: RankingReport, console: Console) -> None:
    """A table in percent, then how many queries count, which were dropped, and why."""
    table = Table(title=f"{report.valid_queries} queries, {report.gallery} gallery (percent)")
    metrics = report.model_dump(include={"rank1", "rank5", "rank10", "rank20", "mAP", "mINP"})
    for name in metrics:
        table.add_column(name, justify="right")
    table.add_row(*(f"{100 * value:.2f}" for value in metrics.values()))
    console.print(table)
    for line in _protocol_lines(report.protocol):
        console.print(line)
    console.print(f"{report.valid_queries} valid queries, {report.dropped_queries} dropped")
    for name, reason in list(report.dropped.items())[:NAMED_AT_MOST]:
        console.print(f"  {name}: {reason}", markup=False)
    if report.dropped_queries > NAMED_AT_MOST:
        console.print(f"  and {report.dropped_queries - NAMED_AT_MOST} more; --json names all")


def _protocol_lines(protocol: RankingProtocol) -> list[str]:
    rules = protocol.rules
    lines = [
        f"same camera: {rules.same_camera}; same outfit: "
        f"{'exclude' if rules.exclude_same_outfit else 'keep'}; average precision: "
        f"{rules.average_precision}; queries in the gallery: "
        f"{'yes' if protocol.gallery_includes_query else 'no'}"
    ]
    if protocol.normalized_here:
        lines.append(f"{protocol.normalized_here} embeddings were not of length 1 and are now")
    if protocol.query_expansion:
        lines.append(f"queries expanded by their {protocol.query_expansion} nearest")
    if protocol.reranked:
        lines.append("k-reciprocal re-ranking: not comparable with numbers without it")
    return lines
