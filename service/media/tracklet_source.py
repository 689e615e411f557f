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


def most_frames(source: TrackletSource, max_frames: int) -> int:
    """How many frames it may have, before anything of it is decoded.

    Args:
        source: Frames as they came.
        max_frames: What a video, which is not counted before it is decoded, may have.
    """
    if isinstance(source, EncodedFrames):
        return len(source.files)
    return len(source.pixels) if isinstance(source, RawFrames) else max_frames
