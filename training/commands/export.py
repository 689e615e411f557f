"""`reid-train export`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from training.commands.console import commit, errors_for_people


def export(
    weights: Annotated[Path, typer.Argument(help="weights.safetensors of a run.")],
    directory: Annotated[Path, typer.Argument(help="Artifact directory to write or replace.")],
    *,
    card: Annotated[Path, typer.Option(help="YAML: name, version, data, data_licence, training.")],
    report: Annotated[Path, typer.Option(help="Output of `evaluate --json`.")],
    input_size: Annotated[
        str | None,
        typer.Option(metavar="HxW", help="Take frames of this size, and resize in the graph."),
    ] = None,
    precision: Annotated[
        Literal["fp32", "fp16", "int8"], typer.Option(help="What the graph computes in.")
    ] = "fp32",
    weights_storage: Annotated[
        Literal["fp16", "fp32"], typer.Option(help="What the weights of fp32 are stored as.")
    ] = "fp16",
    calibration: Annotated[
        Path | None,
        typer.Option(help="int8: folder of images, or manifest, to take the ranges from."),
    ] = None,
) -> None:
    """Write graph, manifest, golden clip and card; publish nothing that the gate refuses."""
    from model.weights import open_network
    from training.export.artifact import write_artifact
    from training.export.description import ArtifactDescription, load_card, load_report
    from training.export.export_options import ExportOptions, parse_size

    with errors_for_people():
        options = ExportOptions(
            input_size=parse_size(input_size),
            precision=precision,
            weights_storage=weights_storage,
            calibration=calibration,
        )
        network = open_network(weights)
        description = ArtifactDescription(
            card=load_card(card), commit=commit(), report=load_report(report, weights=weights)
        )
        manifest = write_artifact(network, directory, description, options)
        typer.echo(f"{directory}: {manifest.model.name} {manifest.model.version}")
        typer.echo(manifest.model.fingerprint)
