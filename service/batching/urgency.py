"""How soon a request wants its answer, beside others that wait."""

from dataclasses import dataclass
from enum import IntEnum


class Priority(IntEnum):
    """Who goes first: someone waits for a search, nobody for one tracklet of a bulk."""

    INTERACTIVE = 0
    BULK = 1


@dataclass(frozen=True, slots=True)
class Urgency:
    """Of one request.

    Attributes:
        priority: Its class.
        until_s: Moment of the monotonic clock after which nobody waits; None without one.
    """

    priority: Priority = Priority.BULK
    until_s: float | None = None


PATIENT = Urgency()
