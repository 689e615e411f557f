"""How long each stage of the request under way took, for its answer, the metrics and its trace.

A request is one task; its stages report here whoever it is that asks, by a variable of the context.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Literal

Stage = Literal["decode", "queue", "inference", "search", "store"]


@dataclass(slots=True)
class StageTimes:
    """Seconds by stage, in the order in which the stages first reported."""

    seconds: dict[Stage, float] = field(default_factory=dict)

    def add(self, stage: Stage, seconds: float) -> None:
        """Add to what the stage took."""
        self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds


_CURRENT: ContextVar[StageTimes | None] = ContextVar("stage_times", default=None)


@contextmanager
def collecting() -> Iterator[StageTimes]:
    """Collect what is reported within, also by the tasks that are started within."""
    times = StageTimes()
    token = _CURRENT.set(times)
    try:
        yield times
    finally:
        _CURRENT.reset(token)


def report(stage: Stage, seconds: float) -> None:
    """Say how long a stage took; nothing is done where nobody collects."""
    times = _CURRENT.get()
    if times is not None:
        times.add(stage, seconds)


@contextmanager
def timed(stage: Stage) -> Iterator[None]:
    """Report what the body of the `with` took, also when it fails."""
    started_s = time.monotonic()
    try:
        yield
    finally:
        report(stage, time.monotonic() - started_s)
