"""Drawn frames as the pixels of a tracklet."""

import numpy as np
from numpy.typing import NDArray

from tests.encoded_frames import drawn_picture


def drawn_pixels(count: int, *, height: int = 12, width: int = 8) -> NDArray[np.uint8]:
    """uint8 RGB [count, height, width, 3]; no two frames look alike."""
    drawn = (drawn_picture(seed, height=height, width=width) for seed in range(count))
    return np.stack([np.asarray(picture) for picture in drawn])
