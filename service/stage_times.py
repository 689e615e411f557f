"""How long each stage of the request under way took, for its answer, the metrics and its trace.

A request is one task; its stages report here whoever it is that asks, by a variable of the context.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Literal, get_args

Stage = Literal["decode", "queue", "inference", "search", "store"]
STAGES: tuple[Stage, ...] = get_args(Stage)


@dataclass(slots=True)
class StageTime:
    """One stage of one request, which many tracklets may have gone through.

    Attributes:
        seconds: It took in all.
        began_s: Moment of the monotonic clock when it first began.
        ended_s: Moment when it last ended.
    """

    seconds: float
    began_s: float
    ended_s: float


@dataclass(slots=True)
class StageTimes:
    """What each stage took, in the order in which the stages first reported."""

    stages: dict[Stage, StageTime] = field(default_factory=dict)

    @property
    def seconds(self) -> dict[Stage, float]:
        """Seconds by stage."""
        return {stage: taken.seconds for stage, taken in self.stages.items()}

    def add(self, stage: Stage, seconds: float, *, ended_s: float) -> None:
        """Add to what the stage took."""
        began_s = ended_s - seconds
        known = self.stages.get(stage)
        if known is None:
            self.stages[stage] = StageTime(seconds, began_s, ended_s)
            return
        known.seconds += seconds
        known.began_s = min(known.began_s, began_s)
        known.ended_s = max(known.ended_s, ended_s)


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


def report(stage: Stage, seconds: float, *, ended_ago_s: float = 0.0) -> None:
    """Say how long a stage took; nothing is done where nobody collects.

    Args:
        stage: Which.
        seconds: It took.
        ended_ago_s: Since it ended, where that is not now.
    """
    times = _CURRENT.get()
    if times is not None:
        times.add(stage, seconds, ended_s=time.monotonic() - ended_ago_s)


@contextmanager
def timed(stage: Stage) -> Iterator[None]:
    """Report what the body of the `with` took, also when it fails."""
    started_s = time.monotonic()
    try:
        yield
    finally:
        report(stage, time.monotonic() - started_s)
