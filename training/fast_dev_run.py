"""Two steps of everything that a run does, to find what is broken before hours are spent."""

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.progress import Progress

from training.config import TrainingConfig
from training.data.tracklet import Tracklet, identities_of
from training.data.training_tracklets import training_tracklets
from training.device import choose_device
from training.distributed import Processes
from training.evaluation.compare import ComparisonSettings
from training.evaluation.evaluation import WeightsToJudge, evaluate_weights
from training.evaluation.retrieval_task import RetrievalTask, TaskSet
from training.evaluation.tracklet_features import EmbeddingSettings
from training.train_run import RunSummary, train_run

_EVALUATED_IDENTITIES = 3


def try_everything(config: TrainingConfig, progress: Progress, processes: Processes) -> RunSummary:
    """Read the data, train a step, save, resume, train another, load the weights, evaluate.

    All that is written lies in a temporary folder, which is gone afterwards; the summary names
    files that were there. The numbers mean nothing, only that there are any.

    Raises:
        ValueError, OSError, FloatingPointError: As a whole run would.
    """
    with tempfile.TemporaryDirectory(prefix="fast-dev-run-") as own:
        folder = Path(processes.gather(own)[0])
        shortened = _shortened(config, folder)
        train_run(shortened, progress, processes, stop_after_steps=1)
        summary = train_run(shortened, progress, processes)
        if processes.writes:
            evaluate_weights(
                WeightsToJudge(summary.weights, choose_device(config.device)),
                _search_again(training_tracklets(shortened.data, folder)),
                ComparisonSettings(embedding=EmbeddingSettings(mode="fast")),
                progress=progress,
            )
        processes.gather(None)  # the folder is rank 0's, and the others read from it
    return summary


def _shortened(config: TrainingConfig, folder: Path) -> TrainingConfig:
    optimizer = config.optimizer.model_copy(update={"epochs": 1, "steps_per_epoch": 2})
    return config.model_copy(update={"optimizer": optimizer, "run_dir": folder})


def _search_again(tracklets: Sequence[Tracklet]) -> TaskSet:
    """The tracklets of a few identities, each with itself in the gallery, from an unknown camera.

    So there is a right match whatever cameras there are, and also where there is only one.
    """
    chosen = identities_of(tracklets)[:_EVALUATED_IDENTITIES]
    query = tuple(tracklet for tracklet in tracklets if tracklet.identity in chosen)
    gallery = tuple(replace(one, name=f"{one.name} again", camera=None) for one in query)
    return TaskSet("a few training tracklets", (RetrievalTask("training", query, gallery),))
