"""`reid-train`: learn, judge, export. Nothing heavy is imported before a command runs."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.progress import Progress

app = typer.Typer(
    help="Train, evaluate and export tracklet re-identification models.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
data_app = typer.Typer(help="Data sets, real and drawn.", no_args_is_help=True)
app.add_typer(data_app, name="data")

errors = Console(stderr=True)

DataName = Annotated[str, typer.Option("--data", help="Layout: market1501 or mars.")]
Json = Annotated[bool, typer.Option("--json", help="Machine-readable output on stdout.")]


@app.command()
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

    with _errors_for_people():
        settings = override_paths(load_config(config), root=root, run_dir=run_dir)
        tracklets = training_tracklets(settings.data, settings.run_dir)
        with _progress() as progress:
            weights = Trainer(settings, tracklets).fit(progress, stop_after_steps=steps)
        typer.echo(weights)


@app.command()
def evaluate(
    weights: Annotated[Path, typer.Argument(help="weights.safetensors of a run.")],
    root: Annotated[Path, typer.Option(help="Folder of the data set.")],
    data: DataName = "market1501",
    validation_identities: Annotated[
        int | None, typer.Option(min=1, help="Evaluate on the last so many identities only.")
    ] = None,
    json: Json = False,  # noqa: FBT002
) -> None:
    """CMC and mAP of a model beside the colour-histogram baseline, same-camera rule applied."""
    from model.manifest import file_digest
    from model.weights import open_network
    from training.data.catalogue import read_tracklets
    from training.data.tracklet import hold_out_identities
    from training.device import choose_device
    from training.evaluation.compare import compare_with_baseline
    from training.evaluation.report import print_report

    with _errors_for_people():
        tracklets = read_tracklets(data, root)
        described = f"all {len(tracklets)} tracklets of {data}"
        if validation_identities is not None:
            _, tracklets = hold_out_identities(tracklets, validation_identities)
            described = f"the last {validation_identities} identities of {data}"
        with _progress() as progress:
            report = compare_with_baseline(
                open_network(weights).to(choose_device("auto")),
                tracklets,
                described=described,
                weights_sha256=file_digest(weights).sha256,
                progress=progress,
            )
        if json:
            typer.echo(report.model_dump_json(indent=2))
        else:
            print_report(report, Console())


@app.command()
def student(
    weights: Annotated[Path, typer.Argument(help="weights.safetensors of a trained DCCT.")],
    output: Annotated[Path, typer.Argument(help="weights.safetensors of the student to write.")],
) -> None:
    """Take the backbones-only student from a trained DCCT; its features are the base features."""
    from model.weights import open_student, save_weights

    with _errors_for_people():
        network = open_student(weights)
        output.parent.mkdir(parents=True, exist_ok=True)
        save_weights(output, network)
        typer.echo(f"{output}: {network.config.summary}")


@app.command()
def complexity(
    configs: Annotated[
        list[Path] | None, typer.Argument(help="Training YAML; without one, every model.")
    ] = None,
    table: Annotated[Literal["v"] | None, typer.Option(help="A table of the paper.")] = None,
    convention: Annotated[
        Literal["true", "paper"], typer.Option(help="What counts, and in which unit.")
    ] = "true",
    json: Json = False,  # noqa: FBT002
) -> None:
    """Parameters and multiply-accumulates of models, by module, per clip and per frame."""
    from training.complexity_report import print_complexity, report_complexity

    with _errors_for_people():
        report = report_complexity(configs or [], table=table, convention=convention)
        if json:
            typer.echo(report.model_dump_json(indent=2))
        else:
            print_complexity(report, Console())


@app.command()
def export(
    weights: Annotated[Path, typer.Argument(help="weights.safetensors of a run.")],
    directory: Annotated[Path, typer.Argument(help="Artifact directory to write or replace.")],
    card: Annotated[Path, typer.Option(help="YAML: name, version, data, data_licence, training.")],
    report: Annotated[Path, typer.Option(help="Output of `evaluate --json`.")],
) -> None:
    """Write graph, manifest, golden clip and card; publish nothing unless parity holds."""
    from model.weights import open_network
    from training.export.artifact import write_artifact
    from training.export.description import ArtifactDescription, load_card, load_report
    from training.export.drawn_frames import golden_clip, parity_frames

    with _errors_for_people():
        network = open_network(weights)
        size = (network.config.height, network.config.width)
        description = ArtifactDescription(
            card=load_card(card), commit=_commit(), report=load_report(report, weights=weights)
        )
        manifest = write_artifact(
            network,
            directory,
            description,
            frames=parity_frames(size),
            golden_clip=golden_clip(size),
        )
        typer.echo(f"{directory}: {manifest.model.name} {manifest.model.version}")
        typer.echo(manifest.model.fingerprint)


@data_app.command()
def synthesize(
    directory: Annotated[Path, typer.Argument(help="New directory to write.")],
    identities: Annotated[int, typer.Option(min=1)] = 8,
    cameras: Annotated[int, typer.Option(min=2)] = 3,
    frames: Annotated[int, typer.Option(min=1, help="Frames per tracklet.")] = 8,
    seed: Annotated[int, typer.Option()] = 0,
    layout: Annotated[
        Literal["tracklets", "market1501"], typer.Option(help="What to write.")
    ] = "tracklets",
) -> None:
    """Draw tracklets of made-up people, the same for the same seed."""
    from training.data.synthetic import SyntheticWorld
    from training.data.synthetic_layouts import write_market1501, write_tracklet_tree

    write = write_tracklet_tree if layout == "tracklets" else write_market1501
    with _errors_for_people(), _progress() as progress:
        world = SyntheticWorld(seed=seed, identities=identities, cameras=cameras)
        task = progress.add_task("draw", total=None)
        write(
            world,
            directory,
            frames=frames,
            progress=lambda done, total: progress.update(task, completed=done, total=total),
        )


def main() -> None:
    """Entry point of the console script."""
    app()


@contextmanager
def _errors_for_people() -> Iterator[None]:
    """What the user can mend is one red paragraph and status 1; anything else is a traceback."""
    try:
        yield
    except (ValueError, FloatingPointError) as error:
        errors.print(f"error: {error}", style="red", markup=False, highlight=False)
        raise typer.Exit(1) from error
    except KeyboardInterrupt as interrupt:
        errors.print("interrupted; training goes on from its last checkpoint when run again")
        raise typer.Exit(130) from interrupt


def _progress() -> Progress:
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=errors,
    )


def _commit() -> str:
    """The commit of the code, marked when the tree differs from it; `unknown` outside git."""
    git = ("git", "-C", str(Path(__file__).parent))
    try:
        answer = subprocess.run(  # noqa: S603
            [*git, "describe", "--always", "--abbrev=12", "--dirty"],
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return answer.stdout.strip()


if __name__ == "__main__":
    main()
