"""The forms in which a tracklet's frames may come."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class EncodedFrames:
    """Picture files in time order."""

    files: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, eq=False)
class RawFrames:
    """Pixels, uint8 RGB [t, h, w, 3], of any size, in time order."""

    pixels: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class VideoOfCrops:
    """A video file whose every picture is a frame of the tracklet."""

    file: bytes


TrackletSource = EncodedFrames | RawFrames | VideoOfCrops
