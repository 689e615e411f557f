"""A made-up world in the layout of DukeMTMC-VideoReID."""

from functools import partial
from pathlib import Path

from training.data.synthetic import SyntheticWorld
from training.data.synthetic_split import Walk, split_world
from training.data.synthetic_walks import write_walks
from training.data.synthetic_writing import Progress, check_range, new_directory

# Moments count the frames of a camera, 60 a second there: recordings an hour apart, every tenth.
_FIRST_MOMENT, _RECORDING_APART, _FRAME_APART = 100, 216_000, 10


def write_dukemtmc_videoreid(
    world: SyntheticWorld,
    directory: Path,
    *,
    recordings: int = 1,
    frames: int = 8,
    progress: Progress | None = None,
) -> None:
    """Write `train`, `query` and `gallery` of a `split_world`, the gallery with the queries.

    Args:
        world: 2 to 9,999 identities, 2 to 8 cameras.
        directory: The data set's root; created; may exist when it is empty.
        recordings: Tracklets per identity and camera, 1 to 1,000.
        frames: Frames per tracklet, 1 to 9,999.
        progress: Called after each tracklet with (written, all).

    Raises:
        ValueError: When `directory` is in use or a number is outside its range.
    """
    check_range("identities", world.identities, 2, 9999)
    check_range("cameras", world.cameras, 2, 8)
    check_range("recordings", recordings, 1, 1000)
    check_range("frames", frames, 1, 9999)
    split = split_world(world, recordings=recordings)
    parts = (
        ("train", split.train),
        ("query", split.query),
        ("gallery", (*split.query, *split.gallery)),
    )
    walks = [(walk, partial(_path, part, walk)) for part, walks in parts for walk in walks]
    with new_directory(directory) as root:
        write_walks(world, root, walks, frames=frames, progress=progress)


def _path(part: str, walk: Walk, position: int) -> str:
    person, camera = f"{walk.identity + 1:04d}", walk.camera + 1
    moment = _FIRST_MOMENT + _RECORDING_APART * walk.recording + _FRAME_APART * position
    tracklet = f"{walk.camera * 1000 + walk.recording + 1:04d}"
    frame = f"{person}_C{camera}_F{position + 1:04d}_X{moment}.jpg"
    return f"{part}/{person}/{tracklet}/{frame}"
