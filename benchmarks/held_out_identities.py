"""What weights reach on the identities that a training configuration holds out."""

from dataclasses import dataclass
from pathlib import Path

import torch
from rich.progress import Progress

from training.config import TrainingConfig
from training.data.catalogue import read_data_set
from training.evaluation.compare import ComparisonSettings
from training.evaluation.evaluation import WeightsToJudge, evaluate_weights
from training.evaluation.retrieval_task import choose_tasks
from training.evaluation.tracklet_features import EmbeddingSettings


@dataclass(frozen=True, slots=True)
class Reached:
    """Retrieval by the full feature, every held-out tracklet asking all others; in percent."""

    rank_1: float
    mean_average_precision: float


def judge_held_out(weights: Path, config: TrainingConfig) -> Reached:
    """The figures of `reid-train evaluate --validation-identities N --frames served`.

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
            WeightsToJudge(weights, torch.device("cpu")),
            tasks,
            ComparisonSettings(
                embedding=EmbeddingSettings(mode="served"), features=("full",), baseline=False
            ),
            progress=silent,
        )
    full = evaluation.report.splits[0].methods["full"]
    return Reached(full.rank_1, full.mean_average_precision)
