"""What every writer of made-up people shares: a directory that appears whole, frames, limits."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Progress = Callable[[int, int], None]

_JPEG_QUALITY = 90


@contextmanager
def new_directory(directory: Path) -> Iterator[Path]:
    """A directory to fill, which becomes `directory` at the end, or vanishes after an error.

    Raises:
        ValueError: When `directory` is a file, or a directory with something in it.
    """
    if directory.exists() and not (directory.is_dir() and not any(directory.iterdir())):
        raise ValueError(
            f"expected {directory} to be absent or an empty directory, received one in use; "
            "remove it or choose another"
        )
    directory.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{directory.name}-"
    with tempfile.TemporaryDirectory(dir=directory.parent, prefix=prefix) as scratch:
        # One level down, since a temporary directory itself is closed to other users.
        filled = Path(scratch) / "filled"
        filled.mkdir()
        yield filled
        filled.rename(directory)


def save_frame(frame: NDArray[np.uint8], path: Path) -> None:
    """Write one RGB frame `[h, w, 3]` as its suffix says, .jpg or .png, making its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(frame).save(path, quality=_JPEG_QUALITY)


def check_range(name: str, value: int, least: int, most: int | None) -> None:
    """Refuse a number that the layout cannot hold.

    Raises:
        ValueError: When it is outside its range.
    """
    if value >= least and (most is None or value <= most):
        return
    wanted = f"{least} or more" if most is None else f"{least} to {most}"
    raise ValueError(
        f"expected {name} of {wanted} for this layout, received {value}; "
        "choose a value in that range"
    )
