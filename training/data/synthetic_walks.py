"""Walks of made-up people written to files, whatever a layout calls them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from training.data.synthetic import SyntheticWorld
from training.data.synthetic_split import Walk
from training.data.synthetic_writing import Progress, save_frame

PlacedWalk = tuple[Walk, Callable[[int], str]]
"""A walk, and the path below the root of its frame at a position, counted from 0."""


class LayoutWriter(Protocol):
    """Draws a world in one layout into a directory, which must be new or empty."""

    def __call__(
        self,
        world: SyntheticWorld,
        directory: Path,
        *,
        recordings: int = 1,
        frames: int = 8,
        progress: Progress | None = None,
    ) -> None:
        """Write `recordings` walks of everybody before every camera, of `frames` frames each."""


def write_walks(
    world: SyntheticWorld,
    root: Path,
    walks: Sequence[PlacedWalk],
    *,
    frames: int,
    progress: Progress | None,
) -> None:
    """Draw and save walks; `progress` is called after each with (written, all)."""
    for written, (walk, path_of) in enumerate(walks, start=1):
        for position, frame in enumerate(walk.draw(world, frames)):
            save_frame(frame, root / path_of(position))
        if progress is not None:
            progress(written, len(walks))
