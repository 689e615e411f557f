"""How fast a worker gets through frames, so that a refusal can say truthfully when to come back."""

import math

_WEIGHT_OF_NEWEST = 0.2
"""The moving mean forgets half of what it knew in three batches."""


class Throughput:
    """A moving mean of seconds per frame; one thread observes, any thread asks."""

    def __init__(self) -> None:
        self._seconds_per_frame: float | None = None

    def observe(self, frames: int, elapsed_s: float) -> None:
        """Take in that `frames` frames, at least one, took `elapsed_s` seconds."""
        newest = elapsed_s / frames
        known = self._seconds_per_frame
        if known is None:
            self._seconds_per_frame = newest
        else:
            self._seconds_per_frame = known + _WEIGHT_OF_NEWEST * (newest - known)

    def retry_after_s(self, frames: int) -> int:
        """Whole seconds until `frames` frames are worked off, at least 1; 1 before any measure."""
        return max(1, math.ceil(frames * (self._seconds_per_frame or 0.0)))
