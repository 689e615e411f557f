"""Resident memory of a process over time, and how steeply it grows."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

_MB = 2**20


@dataclass(slots=True)
class MemoryCurve:
    """Samples in the order taken.

    Attributes:
        at_s: Since the first.
        resident_mb: MiB.
    """

    at_s: list[float] = field(default_factory=list)
    resident_mb: list[float] = field(default_factory=list)

    def growth_mb(self) -> float:
        """From the median of the first fifth to that of the last."""
        fifth = max(1, len(self.resident_mb) // 5)
        first, last = self.resident_mb[:fifth], self.resident_mb[-fifth:]
        return float(np.median(last) - np.median(first))

    def slope_mb_per_min(self) -> float:
        """Of the line through the samples by least squares.

        Raises:
            ValueError: With fewer than two samples.
        """
        return slope(self.at_s, self.resident_mb) * 60

    def since(self, at_s: float) -> "MemoryCurve":
        """The samples from `at_s` on."""
        kept = [place for place, when in enumerate(self.at_s) if when >= at_s]
        return MemoryCurve(
            [self.at_s[place] for place in kept], [self.resident_mb[place] for place in kept]
        )


def resident_mb(process_id: int) -> float:
    """MiB of a process now."""
    pages = Path(f"/proc/{process_id}/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE") / _MB


def slope(at: Sequence[float], values: Sequence[float]) -> float:
    """Of the line through the points by least squares.

    Raises:
        ValueError: With fewer than two points.
    """
    if len(at) < 2:
        raise ValueError(f"expected 2 or more samples, received {len(at)}; measure for longer")
    return float(np.polyfit(at, values, 1)[0])


@asynccontextmanager
async def watching_memory(
    process_id: int,
    *,
    every_s: float,
    sampled: Callable[[float, float], None] = lambda _at_s, _resident_mb: None,
) -> AsyncIterator[MemoryCurve]:
    """Sample beside the body of the `with`, and tell of each sample when it is taken."""
    curve = MemoryCurve()
    started_s = time.monotonic()

    async def sample() -> None:
        while True:
            curve.at_s.append(time.monotonic() - started_s)
            curve.resident_mb.append(resident_mb(process_id))
            sampled(curve.at_s[-1], curve.resident_mb[-1])
            await asyncio.sleep(every_s)

    sampling = asyncio.create_task(sample())
    try:
        yield curve
    finally:
        sampling.cancel()
        await asyncio.wait([sampling])
    if not sampling.cancelled() and (error := sampling.exception()) is not None:
        raise error
