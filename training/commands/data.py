"""`reid-train data`: data sets, real and drawn."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from training.commands.console import errors_for_people, progress_bars


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
    with errors_for_people(), progress_bars() as progress:
        world = SyntheticWorld(seed=seed, identities=identities, cameras=cameras)
        task = progress.add_task("draw", total=None)
        write(
            world,
            directory,
            frames=frames,
            progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
