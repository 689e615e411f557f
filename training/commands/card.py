"""`reid-train card`."""

from pathlib import Path
from typing import Annotated

import typer

from training.commands.console import errors_for_people


def card(
    artifact: Annotated[Path, typer.Argument(help="Directory of the artifact.")],
    card: Annotated[
        Path, typer.Option("--card", help="Its YAML, whose `results` names files of measurements.")
    ],
) -> None:
    """Write an artifact's model card anew, of everything measured since the export."""
    from training.export.card_file import CARD_FILE, renew_card

    with errors_for_people():
        manifest = renew_card(artifact, card)
        told = f"{artifact / CARD_FILE}: {manifest.model.name} {manifest.model.version}"
        typer.echo(told)
