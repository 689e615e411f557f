"""`reid-train data`: data sets, real and drawn."""

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from training.commands.console import Json, errors_for_people, progress_bars

DrawnLayout = Literal[
    "tracklets",
    "market1501",
    "market1501-official",
    "mars",
    "dukemtmcvidreid",
    "ilidsvid",
    "prid2011",
    "lsvid",
    "ccvid",
    "mevid",
]


Decode = Annotated[bool, typer.Option("--decode", help="Decode every frame as well.")]
Strict = Annotated[
    bool, typer.Option("--strict", help="Fail when a count is not as published, too.")
]


def check(
    name: Annotated[str, typer.Argument(help="Name in the catalogue: mars, prid2011, …")],
    root: Annotated[Path, typer.Argument(help="Folder of the data set.")],
    decode: Decode = False,  # noqa: FBT002
    strict: Strict = False,  # noqa: FBT002
    json: Json = False,  # noqa: FBT002
) -> None:
    """Compare a data set on disk with its layout and its published counts; download nothing."""
    from training.data.data_check import check_data_set
    from training.data.data_check_view import print_data_check

    with errors_for_people():
        with progress_bars() as progress:
            task = progress.add_task("decode", total=None, visible=decode)
            report = check_data_set(
                name,
                root,
                decode=decode,
                progress=lambda done, total: progress.update(task, completed=done, total=total),
            )
        if json:
            typer.echo(report.model_dump_json(indent=2))
        else:
            print_data_check(report, Console())
    if report.problems or (strict and report.differs):
        raise typer.Exit(1)


def synthesize(
    directory: Annotated[Path, typer.Argument(help="New directory to write.")],
    identities: Annotated[int, typer.Option(min=1)] = 8,
    cameras: Annotated[int, typer.Option(min=2)] = 3,
    frames: Annotated[int, typer.Option(min=1, help="Frames per tracklet.")] = 8,
    seed: Annotated[int, typer.Option()] = 0,
    layout: Annotated[DrawnLayout, typer.Option(help="What to write.")] = "tracklets",
) -> None:
    """Draw tracklets of made-up people, the same for the same seed."""
    from training.data.synthetic import SyntheticWorld
    from training.data.synthetic_catalogue import LAYOUT_WRITERS

    with errors_for_people(), progress_bars() as progress:
        world = SyntheticWorld(seed=seed, identities=identities, cameras=cameras)
        task = progress.add_task("draw", total=None)
        LAYOUT_WRITERS[layout](
            world,
            directory,
            frames=frames,
            progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
