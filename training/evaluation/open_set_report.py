"""The open set in an evaluation: people taken out of the gallery, who must not be found."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from training.evaluation.judged_task import JudgedTask, MethodRanking
from training.evaluation.open_set import OpenSetResult, evaluate_open_set, make_unknown
from training.frozen_model import FrozenModel


class DetectionPoint(FrozenModel):
    """DIR at one false-accept rate; rates in percent to two decimals.

    Attributes:
        asked_false_accept_rate: At most so many of the unknown probes may be taken for somebody.
        false_accept_rate: How many are.
        threshold: Least cosine similarity of a match.
        detection_rate: Known probes whose nearest tracklet is right and reaches the threshold.
    """

    asked_false_accept_rate: float
    false_accept_rate: float
    threshold: float
    detection_rate: float


class OpenSetReport(FrozenModel):
    """DIR@FAR of every method on one split.

    Attributes:
        split: Its name.
        share: Part of the queries' people who were taken out of the gallery.
        seed: Who they are.
        known: Probes with a right match in what is left.
        unknown: Probes without.
        gallery: Tracklets searched; false accepts grow with them.
        unresolved_rates: Rates, in percent, that so few unknown probes cannot tell from 0.
        methods: Features of the model, and the baseline.
    """

    split: str
    share: float
    seed: int
    known: int
    unknown: int
    gallery: int
    unresolved_rates: tuple[float, ...]
    methods: dict[str, tuple[DetectionPoint, ...]]


def report_open_set(
    judged: Sequence[JudgedTask], *, share: float, seed: int
) -> list[OpenSetReport]:
    """Search every split again, without a share of the people who are asked about.

    Raises:
        ValueError: When the share leaves nobody known or makes nobody unknown.
    """
    return [_split_report(one, share=share, seed=seed) for one in judged]


def print_open_set(report: OpenSetReport, console: Console) -> None:
    """Write one split's working points as a table."""
    table = Table(
        title=f"open set of {report.split}: {report.known} known and {report.unknown} unknown "
        f"probes, {report.gallery} gallery"
    )
    table.add_column("features")
    for heading in ("FAR at most", "FAR", "threshold", "DIR"):
        table.add_column(heading, justify="right")
    for name, points in report.methods.items():
        for point in points:
            table.add_row(
                name,
                f"{point.asked_false_accept_rate:g}",
                f"{point.false_accept_rate:.2f}",
                f"{point.threshold:.4f}",
                f"{point.detection_rate:.2f}",
            )
    console.print(table)
    for rate in report.unresolved_rates:
        console.print(f"FAR {rate:g} %: too few unknown probes to measure", highlight=False)


def _split_report(judged: JudgedTask, *, share: float, seed: int) -> OpenSetReport:
    found = {
        name: _without_some(method, share=share, seed=seed)
        for name, method in judged.methods.items()
    }
    first = next(iter(found.values()))
    return OpenSetReport(
        split=judged.task.split,
        share=share,
        seed=seed,
        known=first.known,
        unknown=first.unknown,
        gallery=first.gallery,
        unresolved_rates=tuple(100 * rate for rate in first.unresolved_rates),
        methods={name: _points(result) for name, result in found.items()},
    )


def _without_some(method: MethodRanking, *, share: float, seed: int) -> OpenSetResult:
    left = make_unknown(method.query, method.gallery, share=share, seed=seed)
    return evaluate_open_set(method.query, left, method.result.rules)


def _points(result: OpenSetResult) -> tuple[DetectionPoint, ...]:
    return tuple(
        DetectionPoint(
            asked_false_accept_rate=100 * point.asked_rate,
            false_accept_rate=round(100 * point.false_accept_rate, 2),
            threshold=round(point.threshold, 6),
            detection_rate=round(100 * point.detection_rate, 2),
        )
        for point in result.points
    )
