"""A made-up world in the files of LS-VID."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import h5py
import numpy as np

from training.data.synthetic import SyntheticWorld
from training.data.synthetic_split import Walk, split_world
from training.data.synthetic_walks import write_walks
from training.data.synthetic_writing import Progress, check_range, new_directory


def write_lsvid(
    world: SyntheticWorld,
    directory: Path,
    *,
    recordings: int = 1,
    frames: int = 8,
    progress: Progress | None = None,
) -> None:
    """Write lists, queries and frames as `read_lsvid` expects them.

    Args:
        world: What to write; 2 to 9,999 identities, 2 to 99 cameras.
        directory: The data set's root; created; may exist when it is empty.
        recordings: Tracklets per identity and camera.
        frames: Frames per tracklet, at most 9,999.
        progress: Called after each tracklet with (written, all).

    Raises:
        ValueError: When `directory` is in use or a number is outside its range.
    """
    check_range("identities", world.identities, 2, 9999)
    check_range("cameras", world.cameras, 2, 99)
    check_range("frames", frames, 1, 9999)
    split = split_world(world, recordings=recordings)
    test = sorted((*split.query, *split.gallery))
    parts = {
        "train": [(_start("train", walk, recordings), walk) for walk in split.train],
        "test": [(_start("test", walk, recordings), walk) for walk in test],
    }
    placed = [
        (walk, partial(_frame, start, walk.camera))
        for part in parts.values()
        for start, walk in part
    ]
    with new_directory(directory) as root:
        write_walks(world, root, placed, frames=frames, progress=progress)
        (root / "list_sequence").mkdir()
        for part, started in parts.items():
            lines = [f"{start} {walk.identity + 1}\n" for start, walk in started]
            path = root / f"list_sequence/list_seq_{part}.txt"
            path.write_text("".join(lines), encoding="utf-8")
        _write_queries(root / "test/data/info_test.mat", [test.index(walk) for walk in split.query])


def _start(part: str, walk: Walk, recordings: int) -> str:
    person, number = walk.identity + 1, walk.camera * recordings + walk.recording + 1
    return f"tracklet_{part}/{person:04d}/{person:04d}_{number:02d}"


def _frame(start: str, camera: int, position: int) -> str:
    return f"{start}_{camera + 1:02d}_{position + 1:04d}.jpg"


def _write_queries(path: Path, rows: Sequence[int]) -> None:
    path.parent.mkdir(parents=True)
    with h5py.File(path, "w") as file:
        # A column of doubles counted from 1, as MATLAB writes it: a row here.
        file["query"] = np.array([rows], dtype=np.float64) + 1
