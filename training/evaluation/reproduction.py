"""What a recipe says it reaches, beside what was reached."""

from collections.abc import Sequence
from dataclasses import dataclass

from training.evaluation.feature_groups import FULL
from training.evaluation.report import EvaluationReport
from training.expected_result import ExpectedResult

_METRICS = ("rank_1", "rank_5", "mean_average_precision")


@dataclass(frozen=True, slots=True)
class Reproduction:
    """One metric of the full features, in percent.

    Attributes:
        metric: Its name in a report.
        expected: What the recipe says.
        reached: What was measured.
        tolerance: Within how many points it counts as reproduced.
    """

    metric: str
    expected: float
    reached: float
    tolerance: float

    @property
    def reproduced(self) -> bool:
        """Whether it is within the tolerance; a thousandth is for rounding."""
        return abs(self.reached - self.expected) <= self.tolerance + 1e-3

    def sentence(self) -> str:
        """The comparison as a person reads it."""
        verdict = "reproduced" if self.reproduced else "not reproduced"
        return (
            f"{self.metric}: expected {self.expected:.2f} ± {self.tolerance:.2f}, reached "
            f"{self.reached:.2f}: {verdict}"
        )


def compare_with_expected(
    report: EvaluationReport, expected: ExpectedResult
) -> Sequence[Reproduction]:
    """Every metric that the recipe names, where it was judged in the same way.

    Raises:
        ValueError: When the report lacks full features, or its protocol is another.
    """
    if FULL not in report.summary:
        raise ValueError(
            f"expected features {FULL!r} to compare with a recipe, received "
            f"{sorted(report.summary)}; name them with --features"
        )
    _require_same_protocol(report, expected)
    mean = report.summary[FULL].mean
    named = {metric: getattr(expected, metric) for metric in _METRICS}
    return [
        Reproduction(metric, value, getattr(mean, metric), expected.tolerance)
        for metric, value in named.items()
        if value is not None
    ]


def _require_same_protocol(report: EvaluationReport, expected: ExpectedResult) -> None:
    wanted = expected.protocol
    received = {
        "gallery_includes_query": report.protocol.gallery_includes_query,
        "average_precision": report.protocol.average_precision,
        "frames": report.protocol.frames,
        "splits": len(report.splits),
        "validation_identities": report.protocol.validation_identities,
    }
    other = {name: value for name, value in received.items() if value != getattr(wanted, name)}
    asks = "of the split" if wanted.validation_identities is None else "every tracklet"
    kept = report.protocol.same_camera
    changed = report.protocol.rerank or report.protocol.query_expansion
    if other or changed or report.protocol.queries != asks or kept != "exclude":
        raise ValueError(
            f"expected the protocol of the recipe, {wanted!r} with queries {asks!r} and "
            f"same-camera matches excluded, received {report.protocol.sentence()} over "
            f"{len(report.splits)} splits; evaluate in the same way before comparing"
        )
