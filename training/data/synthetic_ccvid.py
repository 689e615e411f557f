"""A made-up world, whose people change clothes, in the files of CCVID."""

from itertools import count
from pathlib import Path

from training.data.synthetic import SyntheticWorld
from training.data.synthetic_split import Walk, split_world
from training.data.synthetic_writing import Progress, check_range, new_directory, save_frame


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
    written = count(1)
    with new_directory(directory) as root:
        parts = (("train", split.train), ("query", split.query), ("gallery", split.gallery))
        for part, walks in parts:
            for walk in walks:
                for number, frame in enumerate(walk.draw(world, frames), start=1):
                    save_frame(frame, root / _folder(walk) / f"{number:05d}.jpg")
                if progress is not None:
                    progress(next(written), split.walks)
            lines = [
                f"{_folder(walk)}\t{walk.identity + 1:03d}\tu{walk.outfit}_l{walk.outfit}\n"
                for walk in walks
            ]
            (root / f"{part}.txt").write_text("".join(lines), "utf-8")


def _folder(walk: Walk) -> str:
    return f"session{walk.recording + 1}/{walk.identity + 1:03d}_{walk.camera + 1:02d}"
