"""A made-up world in the layout of Market-1501, with images to ask about and to search."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from training.data.synthetic import SyntheticWorld
from training.data.synthetic_split import Walk, split_world
from training.data.synthetic_walks import PlacedWalk, write_walks
from training.data.synthetic_writing import Progress, check_range, new_directory

# As many frames a second as the original's cameras; recordings are an hour apart.
_FRAME_APART, _RECORDING_APART = 25, 90_000
_HAND_DRAWN_BOX, _DETECTED_BOX = 0, 1


def write_market1501_official(
    world: SyntheticWorld,
    directory: Path,
    *,
    recordings: int = 1,
    frames: int = 8,
    progress: Progress | None = None,
) -> None:
    """Write `bounding_box_train`, `query` and `bounding_box_test` of a `split_world`.

    A query is one image. Two more people pass the first camera in the test images: one is the
    distractor (0000), the other stands for junk (-1).

    Args:
        world: 2 to 9,998 identities, 2 to 9 cameras.
        directory: The data set's root; created; may exist when it is empty.
        recordings: Tracklets per identity and camera, 1 to 9.
        frames: Frames per tracklet, 1 to 1,000.
        progress: Called after each tracklet but the queries with (written, all).

    Raises:
        ValueError: When `directory` is in use or a number is outside its range.
    """
    check_range("identities", world.identities, 2, 9998)
    check_range("cameras", world.cameras, 2, 9)
    check_range("recordings", recordings, 1, 9)
    check_range("frames", frames, 1, 1000)
    split = split_world(world, recordings=recordings)
    others = {world.identities: "0000", world.identities + 1: "-1"}
    searched = [*split.gallery, *(Walk(person, 0, 0, 0) for person in others)]
    asked = _placed("query", split.query, others, box=_HAND_DRAWN_BOX)
    rest = [
        *_placed("bounding_box_train", split.train, others, box=_DETECTED_BOX),
        *_placed("bounding_box_test", searched, others, box=_DETECTED_BOX),
    ]
    wider = replace(world, identities=world.identities + len(others))
    with new_directory(directory) as root:
        write_walks(wider, root, asked, frames=1, progress=None)
        write_walks(wider, root, rest, frames=frames, progress=progress)


def _placed(
    folder: str, walks: Sequence[Walk], others: dict[int, str], *, box: int
) -> list[PlacedWalk]:
    placed: list[PlacedWalk] = []
    for walk in walks:
        person = others.get(walk.identity, f"{walk.identity + 1:04d}")
        prefix = f"{folder}/{person}_c{walk.camera + 1}s{walk.recording + 1}"
        placed.append((walk, partial(_path, prefix, walk.recording, box)))
    return placed


def _path(prefix: str, recording: int, box: int, position: int) -> str:
    moment = 1 + _RECORDING_APART * recording + _FRAME_APART * position
    return f"{prefix}_{moment:06d}_{box:02d}.jpg"
