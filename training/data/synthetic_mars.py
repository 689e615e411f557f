"""A made-up world in the layout of MARS, with its official lists."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from training.data.mat_file import write_mat
from training.data.synthetic import SyntheticWorld
from training.data.synthetic_split import Walk, split_world
from training.data.synthetic_walks import PlacedWalk, write_walks
from training.data.synthetic_writing import Progress, check_range, new_directory


def write_mars(
    world: SyntheticWorld,
    directory: Path,
    *,
    recordings: int = 1,
    frames: int = 8,
    progress: Progress | None = None,
) -> None:
    """Write `bbox_train`, `bbox_test` and `info` of a `split_world`.

    Identities and cameras count from 1 in the names. Two more people pass the first camera in the
    test images: one is the distractor (0000), the other stands for junk (00-1).

    Args:
        world: 2 to 9,998 identities, 2 to 6 cameras.
        directory: The data set's root; created; may exist when it is empty.
        recordings: Tracklets per identity and camera, 1 to 9,999.
        frames: Frames per tracklet, 1 to 999.
        progress: Called after each tracklet with (written, all).

    Raises:
        ValueError: When `directory` is in use or a number is outside its range.
    """
    check_range("identities", world.identities, 2, 9998)
    check_range("cameras", world.cameras, 2, 6)
    check_range("recordings", recordings, 1, 9999)
    check_range("frames", frames, 1, 999)
    split = split_world(world, recordings=recordings)
    others = {world.identities: "0000", world.identities + 1: "00-1"}
    tested = [*split.query, *split.gallery, *(Walk(person, 0, 0, 0) for person in others)]
    train = _named(split.train, others)
    test = _named(tested, others)
    asked = [name for name, _ in _named(split.query, others)]
    wider = replace(world, identities=world.identities + len(others))
    with new_directory(directory) as root:
        placed = [*_placed("bbox_train", train), *_placed("bbox_test", test)]
        write_walks(wider, root, placed, frames=frames, progress=progress)
        info = root / "info"
        info.mkdir()
        names = [name for name, _ in test]
        _write_list(info, "train", [name for name, _ in train], frames)
        _write_list(info, "test", names, frames)
        rows = np.array([[1 + names.index(name) for name in asked]], np.uint16)
        write_mat(info / "query_IDX.mat", {"query_IDX": rows})


def _named(walks: Sequence[Walk], others: dict[int, str]) -> list[tuple[str, Walk]]:
    """Walks with the names of their tracklets, `0003C1T0001`, sorted by them."""
    named = []
    for walk in walks:
        person = others.get(walk.identity, f"{walk.identity + 1:04d}")
        named.append((f"{person}C{walk.camera + 1}T{walk.recording + 1:04d}", walk))
    return sorted(named, key=lambda pair: pair[0])


def _placed(folder: str, named: Sequence[tuple[str, Walk]]) -> list[PlacedWalk]:
    return [(walk, partial(_path, folder, name)) for name, walk in named]


def _path(folder: str, name: str, position: int) -> str:
    return f"{folder}/{name[:4]}/{_frame(name, position)}"


def _frame(name: str, position: int) -> str:
    return f"{name}F{position + 1:03d}.jpg"


def _write_list(info: Path, part: str, names: Sequence[str], frames: int) -> None:
    lines = [_frame(name, position) for name in names for position in range(frames)]
    (info / f"{part}_name.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    rows = [
        (place * frames + 1, (place + 1) * frames, _identity(name), int(name[5]))
        for place, name in enumerate(names)
    ]
    table = np.array(rows, np.int32)
    write_mat(info / f"tracks_{part}_info.mat", {f"track_{part}_info": table})


def _identity(name: str) -> int:
    return -1 if name.startswith("00-1") else int(name[:4])
