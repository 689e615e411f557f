"""`reid-train train` and `reid-train student`."""

from pathlib import Path
from typing import Annotated

import typer

from training.commands.console import Json, errors, errors_for_people, progress_bars

Changes = Annotated[
    list[str] | None,
    typer.Option("--set", help="Instead of a key: `--set optimizer.epochs=10`; repeatable."),
]

_INTERRUPTED = "interrupted; the same command goes on from the last checkpoint, if there is one"


def train(
    config: Annotated[Path, typer.Argument(help="YAML; see training/configs.")],
    root: Annotated[Path | None, typer.Option(help="Instead of data.root.")] = None,
    run_dir: Annotated[Path | None, typer.Option(help="Instead of run_dir.")] = None,
    changes: Changes = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Stop after so many more.")] = None,
    fast_dev_run: Annotated[  # noqa: FBT002
        bool,
        typer.Option("--fast-dev-run", help="Two steps of everything, in a folder thrown away."),
    ] = False,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Train, or go on where an interrupted run of the same configuration stopped.

    On several GPUs, or CPUs: `torchrun --nproc-per-node 2 -m training train CONFIG`.
    """
    from training.config import load_config, override_paths
    from training.distributed import joined_processes
    from training.fast_dev_run import try_everything
    from training.interruption import TrainingInterruptedError
    from training.train_run import train_run

    with errors_for_people(interrupted=_INTERRUPTED):
        settings = override_paths(load_config(config, changes or ()), root=root, run_dir=run_dir)
        with joined_processes(settings.device) as processes, progress_bars() as progress:
            progress.disable = not processes.writes
            try:
                if fast_dev_run:
                    summary = try_everything(settings, progress, processes)
                else:
                    summary = train_run(settings, progress, processes, stop_after_steps=steps)
            except TrainingInterruptedError as interrupted:
                if processes.writes:
                    errors.print(str(interrupted), markup=False, highlight=False)
                raise typer.Exit(interrupted.exit_status) from interrupted
            if processes.writes:
                typer.echo(summary.model_dump_json(indent=2) if json else summary.weights)


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
