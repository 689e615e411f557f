"""Every model on every data set: how much of a number is the data it learned from."""

from collections.abc import Mapping

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from training.evaluation.compare import ComparisonSettings
from training.evaluation.evaluation import WeightsToJudge, evaluate_weights
from training.evaluation.feature_groups import FULL
from training.evaluation.report import EvaluationReport
from training.evaluation.report_table import print_text
from training.evaluation.retrieval_task import TaskSet
from training.frozen_model import FrozenModel


class CrossDomainMatrix(FrozenModel):
    """Reports by name of the weights, then by name of the data.

    Attributes:
        reports: Of every pair; all were judged under one protocol, but for what a data set's own
            protocol and a model's own input say.
    """

    reports: dict[str, dict[str, EvaluationReport]]


def cross_domain_matrix(
    weights: Mapping[str, WeightsToJudge],
    data: Mapping[str, TaskSet],
    settings: ComparisonSettings,
    *,
    progress: Progress,
) -> CrossDomainMatrix:
    """Judge every model on every data set; features of `full` only, without the baseline.

    Raises:
        ValueError: When there are no weights or no data, or one of the evaluations cannot be made.
    """
    if not weights or not data:
        raise ValueError(
            f"expected weights and data sets, received {len(weights)} and {len(data)}; "
            "name each with --weights and --data"
        )
    judged = settings.model_copy(update={"features": (FULL,), "baseline": False})
    return CrossDomainMatrix(
        reports={
            name: {
                data_name: evaluate_weights(one, tasks, judged, progress=progress).report
                for data_name, tasks in data.items()
            }
            for name, one in weights.items()
        }
    )


def print_matrix(matrix: CrossDomainMatrix, console: Console) -> None:
    """Write rank-1 / mAP per weights and data, and below it every pair's queries."""
    columns = next(iter(matrix.reports.values()))
    table = Table(title="rank-1 / mAP, weights by data")
    table.add_column("weights")
    for name in columns:
        table.add_column(name, justify="right")
    for name, row in matrix.reports.items():
        table.add_row(name, *(_cell(report) for report in row.values()))
    console.print(table)
    for name, report in columns.items():
        valid = sum(split.valid_queries for split in report.splits)
        dropped = sum(len(split.dropped_queries) for split in report.splits)
        print_text(
            f"{name}: {valid} valid queries, {dropped} dropped; {report.protocol.sentence()}",
            console,
        )


def _cell(report: EvaluationReport) -> str:
    mean = report.summary[FULL].mean
    return f"{mean.rank_1:.2f} / {mean.mean_average_precision:.2f}"
