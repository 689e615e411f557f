"""What weights reach on the identities that a training configuration holds out."""

from collections.abc import Mapping
from pathlib import Path

import torch
from rich.progress import Progress

from training.config import TrainingConfig
from training.data.catalogue import read_data_set
from training.evaluation.compare import ComparisonSettings
from training.evaluation.evaluation import WeightsToJudge, evaluate_weights
from training.evaluation.report import MethodReport
from training.evaluation.retrieval_task import choose_tasks
from training.evaluation.tracklet_features import EmbeddingSettings


def judge_held_out(weights: Path, config: TrainingConfig) -> MethodReport:
    """The figures of `reid-train evaluate --validation-identities N --frames served`.

    Raises:
        ValueError: As `compare_held_out`.
    """
    served = ComparisonSettings(
        embedding=EmbeddingSettings(mode="served"), features=("full",), baseline=False
    )
    return compare_held_out(weights, config, served)["full"]


def compare_held_out(
    weights: Path, config: TrainingConfig, comparison: ComparisonSettings
) -> Mapping[str, MethodReport]:
    """Figures of each feature, every held-out tracklet asking all others; in percent.

    Raises:
        ValueError: When the configuration holds nobody out, or the weights are not readable.
    """
    if not config.data.validation_identities:
        raise ValueError(
            "expected a configuration with data.validation_identities, received one that holds "
            "nobody out; set it, or there is nobody to be judged on"
        )
    tasks = choose_tasks(
        read_data_set(config.data.name, config.data.root),
        validation_identities=config.data.validation_identities,
    )
    with Progress(disable=True) as silent:
        evaluation = evaluate_weights(
            WeightsToJudge(weights, torch.device("cpu")), tasks, comparison, progress=silent
        )
    return evaluation.report.splits[0].methods
