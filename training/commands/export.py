"""`reid-train export`."""

from pathlib import Path
from typing import Annotated

import typer

from training.commands.console import commit, errors_for_people


def export(
    weights: Annotated[Path, typer.Argument(help="weights.safetensors of a run.")],
    directory: Annotated[Path, typer.Argument(help="Artifact directory to write or replace.")],
    card: Annotated[Path, typer.Option(help="YAML: name, version, data, data_licence, training.")],
    report: Annotated[Path, typer.Option(help="Output of `evaluate --json`.")],
) -> None:
    """Write graph, manifest, golden clip and card; publish nothing that the gate refuses."""
    from model.weights import open_network
    from training.export.artifact import write_artifact
    from training.export.description import ArtifactDescription, load_card, load_report

    with errors_for_people():
        network = open_network(weights)
        description = ArtifactDescription(
            card=load_card(card), commit=commit(), report=load_report(report, weights=weights)
        )
        manifest = write_artifact(network, directory, description)
        typer.echo(f"{directory}: {manifest.model.name} {manifest.model.version}")
        typer.echo(manifest.model.fingerprint)
