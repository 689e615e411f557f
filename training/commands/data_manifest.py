"""`reid-train data manifest`."""

from pathlib import Path
from typing import Annotated

import typer

from training.commands.console import errors_for_people


def manifest(
    name: Annotated[str, typer.Argument(help="Data set: mars, ccvid, manifest, …")],
    root: Annotated[Path, typer.Argument(help="Folder of the data set.")],
    output: Annotated[Path, typer.Argument(help="New .csv or .parquet above all frames.")],
    split: Annotated[str | None, typer.Option(help="Without it, the first.")] = None,
) -> None:
    """Write a data set as a table with a row per frame, to change by hand or with other tools."""
    from training.data.catalogue import read_data_set
    from training.data.manifest_writing import write_manifest

    with errors_for_people():
        chosen = read_data_set(name, root).split(split)
        rows = write_manifest(chosen, output)
        typer.echo(f"{output}: {rows} frames of split {chosen.name}")
