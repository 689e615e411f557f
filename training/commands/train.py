"""`reid-train train` and `reid-train student`."""

from pathlib import Path
from typing import Annotated

import typer

from training.commands.console import errors_for_people, progress_bars


def train(
    config: Annotated[Path, typer.Argument(help="YAML; see training/configs.")],
    root: Annotated[Path | None, typer.Option(help="Instead of data.root.")] = None,
    run_dir: Annotated[Path | None, typer.Option(help="Instead of run_dir.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Stop after so many more.")] = None,
) -> None:
    """Train, or go on where an interrupted run of the same configuration stopped."""
    from training.config import load_config, override_paths
    from training.data.training_tracklets import training_tracklets
    from training.trainer import Trainer

    with errors_for_people():
        settings = override_paths(load_config(config), root=root, run_dir=run_dir)
        tracklets = training_tracklets(settings.data, settings.run_dir)
        with progress_bars() as progress:
            weights = Trainer(settings, tracklets).fit(progress, stop_after_steps=steps)
        typer.echo(weights)


def student(
    weights: Annotated[Path, typer.Argument(help="weights.safetensors of a trained DCCT.")],
    output: Annotated[Path, typer.Argument(help="weights.safetensors of the student to write.")],
) -> None:
    """Take the backbones-only student from a trained DCCT; its features are the base features."""
    from model.weights import open_student, save_weights

    with errors_for_people():
        network = open_student(weights)
        output.parent.mkdir(parents=True, exist_ok=True)
        save_weights(output, network)
        typer.echo(f"{output}: {network.config.summary}")
