"""How soon a request wants its answer: the headers `X-Priority` and `X-Timeout-S`."""

from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

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

    def asked(self, *, priority: Priority | None, seconds: float | None) -> "Pace":
        """The same but for what is asked for."""
        chosen = self.priority if priority is None else priority
        return replace(self, priority=chosen, seconds=seconds or self.seconds)

    def begin(self) -> tuple[Deadline, Urgency]:
        """From now on."""
        deadline = Deadline(self.seconds)
        return deadline, Urgency(self.priority, deadline.until_s)


def _priority_usually(usual: Priority) -> Any:  # noqa: ANN401 as FastAPI's Depends
    """The dependency of a route whose frames are of this class unless the header says another."""

    async def request_priority(
        x_priority: Annotated[
            PriorityName | None,
            Header(description=f"Who goes first; left out: {usual.name.lower()}."),
        ] = None,
    ) -> Priority:
        return usual if x_priority is None else _PRIORITIES[x_priority]

    return Depends(request_priority)


_BulkPriority = Annotated[Priority, _priority_usually(Priority.BULK)]
_InteractivePriority = Annotated[Priority, _priority_usually(Priority.INTERACTIVE)]


async def bulk_urgency(deadline: RequestDeadline, priority: _BulkPriority) -> Urgency:
    """Of a request of a program that has many more."""
    return Urgency(priority, deadline.until_s)


async def interactive_urgency(deadline: RequestDeadline, priority: _InteractivePriority) -> Urgency:
    """Of a request that somebody waits for: a search."""
    return Urgency(priority, deadline.until_s)


async def bulk_pace(seconds: RequestSeconds, priority: _BulkPriority) -> Pace:
    """Of each tracklet of a request that has many."""
    return Pace(priority, seconds)


UsuallyBulk = Annotated[Urgency, Depends(bulk_urgency)]
UsuallyInteractive = Annotated[Urgency, Depends(interactive_urgency)]
EachPace = Annotated[Pace, Depends(bulk_pace)]
