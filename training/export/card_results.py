"""What a model card tells of measurements: files that commands printed, and those commands."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from training.evaluation.report import EvaluationReport
from training.frozen_model import FrozenModel

CALIBRATION_COMMAND = "reid-train calibrate"
_OBJECT = TypeAdapter(dict[str, object])


class Evidence(FrozenModel):
    """Numbers that one command measured.

    Attributes:
        command: What was typed.
        file: What it printed or wrote; relative to the card's YAML.
    """

    command: str = Field(min_length=1)
    file: Path


class NamedEvidence(Evidence):
    """An evaluation with the words that stand for it in the card's table."""

    title: str = Field(min_length=1)


class CardResults(FrozenModel):
    """The section `results` of a card's YAML; what is left out is told as not measured.

    Attributes:
        evaluations: Outputs of `reid-train evaluate --json`.
        learning_curve: JSON lines of a run: those with `step`, `rank_1` and
            `mean_average_precision` are its validations.
        ablation: JSON lines, one variant each.
        precision: Output of `python -m benchmarks.precision_table --json`.
        calibration: The command that calibrated; what it measured is in the manifest.
    """

    evaluations: tuple[NamedEvidence, ...] = ()
    learning_curve: Evidence | None = None
    ablation: Evidence | None = None
    precision: Evidence | None = None
    calibration: str = CALIBRATION_COMMAND


class CurvePoint(BaseModel):
    """A validation during training, in percent; a run's log says more, which is left alone."""

    model_config = ConfigDict(frozen=True)

    step: int = Field(ge=0)
    minutes: float | None = Field(default=None, ge=0)
    rank_1: float = Field(ge=0, le=100)
    mean_average_precision: float = Field(ge=0, le=100)


class AblationRow(FrozenModel):
    """What one variant reached within a budget, in percent."""

    name: str
    budget: str
    rank_1: float = Field(ge=0, le=100)
    mean_average_precision: float = Field(ge=0, le=100)


class PrecisionRow(FrozenModel):
    """One variant of the graph on one runtime, as `benchmarks.precision_table` measures it.

    Attributes:
        variant: How its precision was reduced.
        runtime: What ran it.
        megabytes: Size of the file.
        frames_per_s: On one thread.
        ratio: Of its speed to that of the graph as it was shipped, round by round.
        least_cosine: To that graph, over drawn tracklets.
        mean_cosine: The same on average.
        drawn_map_change: Points of mAP on drawn people.
        real_rank_1: In percent, on held-out real people, where there were any.
        real_map: The same.
    """

    variant: str
    runtime: str
    megabytes: float
    frames_per_s: float
    ratio: float
    least_cosine: float
    mean_cosine: float
    drawn_map_change: float
    real_rank_1: float | None
    real_map: float | None


_PRECISIONS = TypeAdapter(tuple[PrecisionRow, ...])


@dataclass(frozen=True, slots=True)
class Judged:
    """One evaluation of the card's table."""

    title: str
    command: str
    report: EvaluationReport


@dataclass(frozen=True, slots=True)
class MeasuredResults:
    """Everything that was measured, read; each with the command that it came from.

    Attributes:
        evaluations: In the order of the table.
        curve: In the order of steps; empty where none was measured.
        curve_command: Empty where there is no curve.
        ablation: In the order of the file; empty where none was measured.
        ablation_command: Empty where there is no ablation.
        precisions: In the order of the file; empty where none was measured.
        precision_command: Empty where there are none.
        calibration_command: That of the calibration, if there is one.
    """

    evaluations: tuple[Judged, ...] = ()
    curve: tuple[CurvePoint, ...] = ()
    curve_command: str = ""
    ablation: tuple[AblationRow, ...] = ()
    ablation_command: str = ""
    precisions: tuple[PrecisionRow, ...] = ()
    precision_command: str = ""
    calibration_command: str = CALIBRATION_COMMAND


def read_results(results: CardResults, folder: Path) -> MeasuredResults:
    """Read every file that the card names.

    Args:
        results: The card's section.
        folder: Where the card's YAML lies.

    Raises:
        ValueError: When a file is missing or holds something else, with its path.
    """
    curve, ablation, precision = results.learning_curve, results.ablation, results.precision
    return MeasuredResults(
        evaluations=tuple(
            Judged(one.title, one.command, read_evaluation(folder / one.file))
            for one in results.evaluations
        ),
        curve=() if curve is None else read_curve(folder / curve.file),
        curve_command="" if curve is None else curve.command,
        ablation=() if ablation is None else read_ablation(folder / ablation.file),
        ablation_command="" if ablation is None else ablation.command,
        precisions=() if precision is None else read_precisions(folder / precision.file),
        precision_command="" if precision is None else precision.command,
        calibration_command=results.calibration,
    )


def read_evaluation(path: Path) -> EvaluationReport:
    """Read the JSON that `reid-train evaluate --json` printed about one split.

    Raises:
        ValueError: When the file is missing, is not such a report, or is of several splits.
    """
    try:
        report = EvaluationReport.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(
            f"expected the output of `reid-train evaluate --json` in {path}, received: {error}; "
            "run the evaluation again"
        ) from error
    if len(report.splits) != 1:
        raise ValueError(
            f"expected results of one split in {path}, received {len(report.splits)}; evaluate "
            "the split that these weights did not learn from"
        )
    return report


def read_curve(path: Path) -> tuple[CurvePoint, ...]:
    """The validations in a run's log, by step.

    Raises:
        ValueError: When the file is missing, is no JSON lines, or has no validation.
    """
    try:
        points = [
            CurvePoint.model_validate(line) for _, line in _json_lines(path) if "rank_1" in line
        ]
    except ValidationError as error:
        raise ValueError(
            f"expected validations with step, rank_1 and mean_average_precision in {path}, "
            f"received: {error}; name the log of the run"
        ) from error
    if not points:
        raise ValueError(
            f"expected lines with rank_1 in {path}, received none; name the log of a run that "
            "validated, or leave learning_curve out"
        )
    return tuple(sorted(points, key=lambda point: point.step))


def read_ablation(path: Path) -> tuple[AblationRow, ...]:
    """The variants, in the order of the file.

    Raises:
        ValueError: When the file is missing, is no JSON lines, or a line is no variant.
    """
    rows = []
    for number, line in _json_lines(path):
        try:
            rows.append(AblationRow.model_validate(line))
        except ValidationError as error:
            raise ValueError(
                f"expected {sorted(AblationRow.model_fields)} in line {number} of {path}, "
                f"received: {error}; write one variant a line"
            ) from error
    if not rows:
        raise ValueError(f"expected a variant a line in {path}, received none; leave ablation out")
    return tuple(rows)


def read_precisions(path: Path) -> tuple[PrecisionRow, ...]:
    """The table of precisions, in its order.

    Raises:
        ValueError: When the file is missing, or is no such table.
    """
    try:
        rows = _PRECISIONS.validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise ValueError(
            f"expected the output of `python -m benchmarks.precision_table --json` in {path}, "
            f"received: {error}; measure it again"
        ) from error
    if not rows:
        raise ValueError(f"expected a row or more in {path}, received none; leave precision out")
    return rows


def _json_lines(path: Path) -> Iterator[tuple[int, dict[str, object]]]:
    """Each line that is not empty, with its number from 1."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(
            f"expected JSON lines in {path}, received: {error}; check the card's `results`"
        ) from error
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            yield number, _OBJECT.validate_json(line)
        except ValidationError as error:
            raise ValueError(
                f"expected a JSON object in line {number} of {path}, received {line[:40]!r}; "
                "name a file of JSON lines"
            ) from error
