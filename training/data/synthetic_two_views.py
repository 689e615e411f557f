"""Made-up worlds in the layouts of iLIDS-VID and PRID-2011: everybody once before two cameras."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.data.mat_file import write_mat
from training.data.synthetic import SyntheticWorld
from training.data.synthetic_split import Walk
from training.data.synthetic_walks import PlacedWalk, write_walks
from training.data.synthetic_writing import Progress, check_range, new_directory

_SPLITS = 10
_FIRST_ILIDS_FRAME = 11
_FIRST_OF_ONE_VIEW = 201


def write_ilids_vid(
    world: SyntheticWorld,
    directory: Path,
    *,
    recordings: int = 1,
    frames: int = 8,
    progress: Progress | None = None,
) -> None:
    """Write `i-LIDS-VID/sequences/` and ten splits in halves, drawn with the world's seed.

    Args:
        world: An even number of identities up to 998, 2 cameras.
        directory: The data set's root; created; may exist when it is empty.
        recordings: 1; everybody passes once.
        frames: Frames per tracklet, 1 to 99,999; they are numbered from 11 on.
        progress: Called after each tracklet with (written, all).

    Raises:
        ValueError: When `directory` is in use or a number is outside its range.
    """
    _check(world, recordings, most=998)
    check_range("frames", frames, 1, 99_988)
    walks = _walks(world, _ilids_path)
    with new_directory(directory) as root:
        write_walks(world, root, walks, frames=frames, progress=progress)
        folder = root / "train-test people splits"
        folder.mkdir()
        rows = np.array([1 + _order(world, split) for split in range(_SPLITS)], np.uint16)
        write_mat(folder / "train_test_splits_ilidsvid.mat", {"ls_set": rows})


def write_prid2011(
    world: SyntheticWorld,
    directory: Path,
    *,
    recordings: int = 1,
    frames: int = 8,
    progress: Progress | None = None,
) -> None:
    """Write `prid_2011/multi_shot/` and ten splits in halves, drawn with the world's seed.

    Number 201 is another person in each view, as in the original.

    Args:
        world: An even number of identities up to 200, 2 cameras.
        directory: The data set's root; created; may exist when it is empty.
        recordings: 1; everybody passes once.
        frames: Frames per tracklet, 1 to 9,999.
        progress: Called after each tracklet with (written, all).

    Raises:
        ValueError: When `directory` is in use or a number is outside its range.
    """
    _check(world, recordings, most=200)
    check_range("frames", frames, 1, 9999)
    others = [Walk(world.identities + camera, camera, 0, 0) for camera in range(2)]
    walks = _walks(world, _prid_path)
    walks += [(walk, partial(_prid_path, _FIRST_OF_ONE_VIEW, walk.camera)) for walk in others]
    wider = replace(world, identities=world.identities + len(others))
    with new_directory(directory) as root:
        write_walks(wider, root, walks, frames=frames, progress=progress)
        splits = [_halves(world, split) for split in range(_SPLITS)]
        (root / "splits_prid2011.json").write_text(json.dumps(splits, indent=1) + "\n")


def _check(world: SyntheticWorld, recordings: int, *, most: int) -> None:
    check_range("identities", world.identities, 2, most)
    if world.identities % 2:
        raise ValueError(
            f"expected an even number of identities for this layout, received {world.identities}; "
            "add or leave out one, so that the halves of a split are equal"
        )
    check_range("cameras", world.cameras, 2, 2)
    check_range("recordings", recordings, 1, 1)


def _walks(world: SyntheticWorld, path: Callable[[int, int, int], str]) -> list[PlacedWalk]:
    return [
        (Walk(person, camera, 0, 0), partial(path, person + 1, camera))
        for camera in range(2)
        for person in range(world.identities)
    ]


def _ilids_path(person: int, camera: int, position: int) -> str:
    view, name = f"cam{camera + 1}", f"person{person:03d}"
    frame = f"{view}_{name}_{_FIRST_ILIDS_FRAME + position:05d}.png"
    return f"i-LIDS-VID/sequences/{view}/{name}/{frame}"


def _prid_path(person: int, camera: int, position: int) -> str:
    view = ("cam_a", "cam_b")[camera]
    return f"prid_2011/multi_shot/{view}/person_{person:04d}/{position + 1:04d}.png"


def _halves(world: SyntheticWorld, split: int) -> dict[str, list[str]]:
    ordered = [f"person_{person + 1:04d}" for person in _order(world, split)]
    half = len(ordered) // 2
    return {"train": sorted(ordered[:half]), "test": sorted(ordered[half:])}


def _order(world: SyntheticWorld, split: int) -> NDArray[np.int64]:
    """Everybody once, counted from 0, in the order of a split."""
    return np.random.default_rng([world.seed, split]).permutation(world.identities)
