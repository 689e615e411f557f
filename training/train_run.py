"""From a configuration to trained weights: read the tracklets, train, say what came of it."""

import json
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict
from rich.progress import Progress

from training.config import TrainingConfig
from training.data.training_tracklets import training_tracklets
from training.distributed import ALONE, Processes
from training.run_log import STEPS_FILE
from training.trainer import Trainer


class RunSummary(BaseModel):
    """What a run has come to, as its files tell it.

    Attributes:
        weights: What is evaluated and exported.
        exported: Whether these are the weights of the last step or their moving average.
        checkpoint: What the run goes on from.
        steps: How many are done.
        last_step: Everything that was logged of the last one; null where it was not finite.
    """

    model_config = ConfigDict(frozen=True)

    weights: Path
    exported: Literal["last step", "moving average"]
    checkpoint: Path
    steps: int
    last_step: dict[str, float | None]


def train_run(
    config: TrainingConfig,
    progress: Progress,
    processes: Processes = ALONE,
    *,
    stop_after_steps: int | None = None,
) -> RunSummary:
    """Train, or go on training, as configured.

    Raises:
        ValueError, OSError, TrainingInterruptedError: As `training_tracklets` and `Trainer.fit` do.
    """
    with processes.first_process_first():  # drawn people are written once
        tracklets = training_tracklets(config.data, config.run_dir)
    trainer = Trainer(config, tracklets, processes)
    trainer.fit(progress, stop_after_steps=stop_after_steps)
    log = (config.run_dir / STEPS_FILE).read_text(encoding="utf-8").splitlines()
    last = json.loads(log[-1]) if log else {"step": -1}
    return RunSummary(
        weights=trainer.files.weights,
        exported="last step" if trainer.state.average is None else "moving average",
        checkpoint=trainer.files.checkpoint,
        steps=last["step"] + 1,
        last_step=last,
    )
