"""How soon a request wants its answer: the headers `X-Priority` and `X-Timeout-S`."""

from typing import Annotated, Any, Literal

from fastapi import Depends, Header

from service.api.dependencies import RequestDeadline
from service.batching.urgency import Priority, Urgency

PriorityName = Literal["interactive", "bulk"]

_PRIORITIES: dict[PriorityName, Priority] = {
    "interactive": Priority.INTERACTIVE,
    "bulk": Priority.BULK,
}


def _usually(priority: Priority) -> Any:  # noqa: ANN401 as FastAPI's Depends
    """The dependency of a route whose frames are of this class unless the header says another."""

    async def request_urgency(
        deadline: RequestDeadline,
        x_priority: Annotated[
            PriorityName | None,
            Header(description=f"Who goes first; left out: {priority.name.lower()}"),
        ] = None,
    ) -> Urgency:
        chosen = priority if x_priority is None else _PRIORITIES[x_priority]
        return Urgency(chosen, deadline.until_s)

    return Depends(request_urgency)


UsuallyInteractive = Annotated[Urgency, _usually(Priority.INTERACTIVE)]
"""Somebody waits for it: a search."""

UsuallyBulk = Annotated[Urgency, _usually(Priority.BULK)]
"""A program waits for it, with many more."""
