"""A made-up world, whose people change clothes, in the files of CCVID."""

from functools import partial
from pathlib import Path

from training.data.synthetic import SyntheticWorld
from training.data.synthetic_split import Walk, split_world
from training.data.synthetic_walks import write_walks
from training.data.synthetic_writing import Progress, check_range, new_directory


def write_ccvid(
    world: SyntheticWorld,
    directory: Path,
    *,
    recordings: int = 2,
    frames: int = 8,
    progress: Progress | None = None,
) -> None:
    """Write lists and frames as `read_ccvid` expects them: a session and an outfit per recording.

    Args:
        world: What to write; 2 to 999 identities, 2 to 12 cameras.
        directory: The data set's root; created; may exist when it is empty.
        recordings: Walks per identity and camera, each in another session and outfit; at most 3.
        frames: Frames per tracklet, at most 99,999.
        progress: Called after each tracklet with (written, all).

    Raises:
        ValueError: When `directory` is in use or a number is outside its range.
    """
    check_range("identities", world.identities, 2, 999)
    check_range("cameras", world.cameras, 2, 12)
    check_range("recordings", recordings, 1, 3)
    check_range("frames", frames, 1, 99_999)
    split = split_world(world, recordings=recordings, outfits=recordings)
    parts = {"train": split.train, "query": split.query, "gallery": split.gallery}
    placed = [(walk, partial(_frame, walk)) for walks in parts.values() for walk in walks]
    with new_directory(directory) as root:
        write_walks(world, root, placed, frames=frames, progress=progress)
        for part, walks in parts.items():
            lines = [
                f"{_folder(walk)}\t{walk.identity + 1:03d}\tu{walk.outfit}_l{walk.outfit}\n"
                for walk in walks
            ]
            (root / f"{part}.txt").write_text("".join(lines), encoding="utf-8")


def _frame(walk: Walk, position: int) -> str:
    return f"{_folder(walk)}/{position + 1:05d}.jpg"


def _folder(walk: Walk) -> str:
    return f"session{walk.recording + 1}/{walk.identity + 1:03d}_{walk.camera + 1:02d}"
