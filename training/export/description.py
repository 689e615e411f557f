"""What an artifact's files cannot say of themselves."""

from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from model.manifest import file_digest
from training.evaluation.feature_groups import FULL
from training.evaluation.report import EvaluationReport


class ArtifactCard(BaseModel):
    """The part of the description that a person writes, as YAML.

    Attributes:
        name: The model's name, `dcct-light` say.
        version: The model's version.
        data: What it was trained on.
        data_licence: What the data's licence allows the model to be used for.
        training: On what hardware and for how long it was trained, in a sentence or two.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    version: str
    data: str
    data_licence: str
    training: str


class ArtifactDescription(BaseModel):
    """The card, the commit of the code, and what the model reached on held-out identities."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    card: ArtifactCard
    commit: str
    report: EvaluationReport


def load_card(path: Path) -> ArtifactCard:
    """Read the card.

    Raises:
        ValueError: When the file is missing, is not YAML, or lacks a field or has one too many.
    """
    try:
        return ArtifactCard.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise ValueError(
            f"expected a card with {sorted(ArtifactCard.model_fields)} in {path}, "
            f"received: {error}; see training/configs/market-light.card.yaml"
        ) from error


def load_report(path: Path, *, weights: Path) -> EvaluationReport:
    """Read the JSON that `reid-train evaluate --json` printed about `weights`.

    Raises:
        ValueError: When the file is missing, is not such a report, or is about other weights or
            several splits.
    """
    try:
        report = EvaluationReport.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        raise ValueError(
            f"expected the output of `reid-train evaluate --json` in {path}, received: {error}; "
            "run the evaluation again"
        ) from error
    if len(report.splits) != 1:
        raise ValueError(
            f"expected results of one split in {path}, received {len(report.splits)}; evaluate "
            "the split that these weights did not learn from"
        )
    split = report.splits[0]
    if FULL not in split.methods:
        raise ValueError(
            f"expected results of {FULL!r} in {path}, received {sorted(split.methods)}; "
            "run the evaluation again"
        )
    if split.weights_sha256 != file_digest(weights).sha256:
        raise ValueError(
            f"expected results of {weights} in {path}, received those of the file with sha256 "
            f"{split.weights_sha256}; run the evaluation again"
        )
    return report
