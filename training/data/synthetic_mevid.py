"""A made-up world, whose people change clothes, in the files of MEVID."""

from itertools import count
from pathlib import Path

from training.data.synthetic import SyntheticWorld
from training.data.synthetic_split import Walk, split_world
from training.data.synthetic_writing import Progress, check_range, new_directory, save_frame

_OUTFITS = 2


def write_mevid(
    world: SyntheticWorld,
    directory: Path,
    *,
    recordings: int = 2,
    frames: int = 8,
    progress: Progress | None = None,
) -> None:
    """Write lists and frames as `read_mevid` expects them; everybody has two outfits.

    Args:
        world: What to write; 2 to 9,999 identities, 2 to 899 cameras.
        directory: The data set's root; created; may exist when it is empty.
        recordings: Walks per identity and camera, in the outfits in turn; at most 999.
        frames: Frames per tracklet, at most 99,999.
        progress: Called after each tracklet with (written, all).

    Raises:
        ValueError: When `directory` is in use or a number is outside its range.
    """
    check_range("identities", world.identities, 2, 9999)
    check_range("cameras", world.cameras, 2, 899)
    check_range("recordings", recordings, 1, 999)
    check_range("frames", frames, 1, 99_999)
    split = split_world(world, recordings=recordings, outfits=_OUTFITS)
    test = sorted((*split.query, *split.gallery))
    written = count(1)
    with new_directory(directory) as root:
        for part, walks in (("train", split.train), ("test", test)):
            names: list[str] = []
            rows: list[str] = []
            for walk in walks:
                rows.append(_row(walk, len(names), frames))
                for number, frame in enumerate(walk.draw(world, frames)):
                    names.append(f"{_tracklet(walk)}F{number:05d}.jpg")
                    save_frame(frame, root / f"bbox_{part}" / names[-1][:4] / names[-1])
                if progress is not None:
                    progress(next(written), split.walks)
            (root / f"{part}_name.txt").write_text("\n".join(names) + "\n", "utf-8")
            (root / f"track_{part}_info.txt").write_text("\n".join(rows) + "\n", "utf-8")
        queries = "".join(f"{test.index(walk)}\n" for walk in split.query)
        (root / "query_IDX.txt").write_text(queries, "utf-8")


def _tracklet(walk: Walk) -> str:
    person, camera = walk.identity + 1, _camera(walk)
    return f"{person:04d}O{walk.outfit:03d}C{camera}T{walk.recording:03d}"


def _camera(walk: Walk) -> int:
    return 101 + walk.camera


def _row(walk: Walk, first: int, frames: int) -> str:
    """As NumPy saves a table of numbers."""
    numbers = (first, first + frames - 1, walk.identity + 1, walk.outfit, _camera(walk))
    return " ".join(f"{number:.18e}" for number in numbers)
