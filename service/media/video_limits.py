"""What a video of crops may be."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class VideoLimits:
    """What one uploaded video may be.

    Attributes:
        frames: Pictures in it; they are decoded one after the other, up to the last one chosen.
        seconds: From its first picture to its last.
    """

    frames: int
    seconds: float
