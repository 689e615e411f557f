"""How soon a request wants its answer: the headers `X-Priority` and `X-Timeout-S`."""

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Depends, Header

from service.api.deadline import Deadline
from service.api.dependencies import RequestDeadline, RequestSeconds
from service.batching.urgency import Priority, Urgency

PriorityName = Literal["interactive", "bulk"]

_PRIORITIES: dict[PriorityName, Priority] = {
    "interactive": Priority.INTERACTIVE,
    "bulk": Priority.BULK,
}


@dataclass(frozen=True, slots=True)
class Pace:
    """How soon a tracklet is wanted whose time begins when its turn comes.

    Attributes:
        priority: Who goes first.
        seconds: For the tracklet.
    """

    priority: Priority
    seconds: float

    def begin(self) -> tuple[Deadline, Urgency]:
        """From now on."""
        deadline = Deadline(self.seconds)
        return deadline, Urgency(self.priority, deadline.until_s)


async def bulk_urgency(
    deadline: RequestDeadline,
    x_priority: Annotated[
        PriorityName | None, Header(description="Who goes first; left out: bulk.")
    ] = None,
) -> Urgency:
    """Of a request of a program that has many more."""
    return Urgency(_PRIORITIES[x_priority or "bulk"], deadline.until_s)


async def interactive_urgency(
    deadline: RequestDeadline,
    x_priority: Annotated[
        PriorityName | None, Header(description="Who goes first; left out: interactive.")
    ] = None,
) -> Urgency:
    """Of a request that somebody waits for: a search."""
    return Urgency(_PRIORITIES[x_priority or "interactive"], deadline.until_s)


async def bulk_pace(
    seconds: RequestSeconds,
    x_priority: Annotated[
        PriorityName | None, Header(description="Who goes first; left out: bulk.")
    ] = None,
) -> Pace:
    """Of each tracklet of a request that has many."""
    return Pace(_PRIORITIES[x_priority or "bulk"], seconds)


UsuallyBulk = Annotated[Urgency, Depends(bulk_urgency)]
UsuallyInteractive = Annotated[Urgency, Depends(interactive_urgency)]
EachPace = Annotated[Pace, Depends(bulk_pace)]
