"""What an artifact's files cannot say of themselves."""

from pathlib import Path

import yaml
from pydantic import ValidationError

from model.manifest import Label, file_digest
from model.tracklet_network import ModelConfig
from training.evaluation.feature_groups import FULL
from training.evaluation.report import EvaluationReport
from training.export.card_results import CardResults, read_evaluation
from training.frozen_model import FrozenModel


class Teacher(FrozenModel):
    """A model whose embeddings were learned from as well.

    Attributes:
        name: Its name, and where it comes from.
        licence: Of the teacher.
        training_data: What it learned from, or that nobody says.
        part: What was learned from it.
    """

    name: str
    licence: str
    training_data: str
    part: str


class ArtifactCard(FrozenModel):
    """The part of the description that a person writes, as YAML.

    Attributes:
        name: The model's name, `dcct-light` say.
        version: The model's version.
        data: What it was trained on.
        data_licence: What the data's licence allows the model to be used for.
        training: On what hardware and for how long it was trained, in a sentence or two.
        teacher: Whose embeddings were learned from, if anybody's.
        not_for: What it must not be used for, beyond what holds for every model of people.
        results: Files of measurements, for `reid-train card`.
    """

    name: Label
    version: Label
    data: str
    data_licence: str
    training: str
    teacher: Teacher | None = None
    not_for: tuple[str, ...] = ()
    results: CardResults = CardResults()


class ArtifactDescription(FrozenModel):
    """The card, the commit of the code, and what the model reached on held-out identities."""

    card: ArtifactCard
    commit: str
    report: EvaluationReport


def network_in_words(config: ModelConfig) -> str:
    """Which network, and where its training began."""
    files = [path.name for path in config.initial_weight_files().values()]
    random = "ImageNet, through timm" if config.pretrained else "random"
    return f"{config.summary}; initial weights: {', '.join(files) or random}"


def load_card(path: Path) -> ArtifactCard:
    """Read the card.

    Raises:
        ValueError: When the file is missing, is not YAML, or lacks a field or has one too many.
    """
    try:
        return ArtifactCard.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        fields = ArtifactCard.model_fields
        needed = sorted(name for name, field in fields.items() if field.is_required())
        raise ValueError(
            f"expected a card with {needed}, and perhaps {sorted({*fields} - {*needed})}, in "
            f"{path}, received: {error}; see training/configs/market-light.card.yaml"
        ) from error


def load_report(path: Path, *, weights: Path) -> EvaluationReport:
    """Read the JSON that `reid-train evaluate --json` printed about `weights`.

    Raises:
        ValueError: When the file is missing, is not such a report, or is about other weights or
            several splits.
    """
    report = read_evaluation(path)
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
