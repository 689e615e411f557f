"""`reid-train data`: data sets, real and drawn."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from training.commands.console import errors_for_people, progress_bars

DrawnLayout = Literal[
    "tracklets",
    "market1501",
    "market1501-official",
    "mars",
    "dukemtmcvidreid",
    "ilidsvid",
    "prid2011",
]


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
