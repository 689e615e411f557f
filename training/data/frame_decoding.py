"""Every frame of a data set decoded once, to find those that are not whole images."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PIL import Image

Progress = Callable[[int, int], None]

_AT_A_TIME = 256


def corrupt_frames(paths: Sequence[Path], progress: Progress | None = None) -> dict[Path, str]:
    """The files that cannot be decoded to the last pixel, each with what is wrong.

    Args:
        paths: Image files; decoded on all cores, a bounded number at a time.
        progress: Called now and then with (decoded, all).
    """
    found: dict[Path, str] = {}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(paths), _AT_A_TIME):
            some = paths[start : start + _AT_A_TIME]
            problems = zip(some, pool.map(_problem, some), strict=True)
            found |= {path: problem for path, problem in problems if problem is not None}
            if progress is not None:
                progress(start + len(some), len(paths))
    return found


def _problem(path: Path) -> str | None:
    try:
        with Image.open(path) as image:
            image.load()
    # Pillow reports a broken PNG as a SyntaxError.
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        return str(error)
    return None
