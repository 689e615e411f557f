"""What one tracklet may cost the thread that decodes it."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from service.errors import DecodeBudgetExceeded


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """What the pictures of one tracklet may cost together.

    Attributes:
        cpu_s: Processor time of the decoding thread; waiting for a core does not count.
        pixels: Pixels that are decoded, before they are made as small as the model wants them.
    """

    cpu_s: float
    pixels: int


class DecodeBudget:
    """What is left for one tracklet; made and asked by the thread that decodes it.

    A codec cannot be interrupted, so the limits of one frame bound what one picture costs, and this
    bounds how many such pictures there are.

    Args:
        limits: What there is to spend.
        go_on: Called before every picture; raises when nobody waits for the tracklet any more.
        clock: Seconds of processor time that this thread has used.
    """

    def __init__(
        self,
        limits: DecodeLimits,
        go_on: Callable[[], None],
        *,
        clock: Callable[[], float] = time.thread_time,
    ) -> None:
        self._limits = limits
        self._go_on = go_on
        self._clock = clock
        self._until_s = clock() + limits.cpu_s
        self._pixels_left = limits.pixels

    def spend(self, pixels: int) -> None:
        """Ask before a picture of so many pixels is decoded; 0 where that is not known yet.

        Raises:
            DecodeBudgetExceeded: When the time is over, or too few pixels are left.
        """
        self._go_on()
        if self._clock() > self._until_s:
            raise DecodeBudgetExceeded(
                expected=f"a tracklet that is decoded in {self._limits.cpu_s:g} s of a core",
                received="one that takes longer",
                remedy="send fewer or smaller frames, or raise REID_DECODE_BUDGET_S",
            )
        if pixels > self._pixels_left:
            raise DecodeBudgetExceeded(
                expected=f"at most {self._limits.pixels} pixels in the frames of a tracklet",
                received="more",
                remedy="send fewer or smaller frames, or raise REID_MAX_TRACKLET_PIXELS",
            )
        self._pixels_left -= pixels
