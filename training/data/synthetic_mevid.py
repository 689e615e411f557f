"""A made-up world, whose people change clothes, in the files of MEVID."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from training.data.synthetic import SyntheticWorld
from training.data.synthetic_split import Walk, split_world
from training.data.synthetic_walks import write_walks
from training.data.synthetic_writing import Progress, check_range, new_directory

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
    parts = {"train": split.train, "test": test}
    placed = [(walk, partial(_path, part, walk)) for part, walks in parts.items() for walk in walks]
    with new_directory(directory) as root:
        write_walks(world, root, placed, frames=frames, progress=progress)
        for part, walks in parts.items():
            names = [_frame(walk, position) for walk in walks for position in range(frames)]
            rows = [_row(walk, place * frames, frames) for place, walk in enumerate(walks)]
            _write_lines(root / f"{part}_name.txt", names)
            _write_lines(root / f"track_{part}_info.txt", rows)
        _write_lines(root / "query_IDX.txt", [str(test.index(walk)) for walk in split.query])


def _path(part: str, walk: Walk, position: int) -> str:
    name = _frame(walk, position)
    return f"bbox_{part}/{name[:4]}/{name}"


def _frame(walk: Walk, position: int) -> str:
    person = f"{walk.identity + 1:04d}O{walk.outfit:03d}"
    return f"{person}C{_camera(walk)}T{walk.recording:03d}F{position:05d}.jpg"


def _camera(walk: Walk) -> int:
    return 101 + walk.camera


def _row(walk: Walk, first: int, frames: int) -> str:
    """As NumPy saves a table of numbers."""
    numbers = (first, first + frames - 1, walk.identity + 1, walk.outfit, _camera(walk))
    return " ".join(f"{number:.18e}" for number in numbers)


def _write_lines(path: Path, lines: Sequence[str]) -> None:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
