"""Who is let in: so many items that each is answered in its time, the others are told when to come.

A tracklet's items are reserved all or nothing before it is decoded, and given back with its answer,
so that decoding and computing share one bound. The wait is predicted from what was really answered
per second while several were under way; nothing is let in that could not be answered before its
deadline.
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from service.batching.answer_rate import AnswerRate
from service.batching.urgency import Priority, Urgency
from service.errors import (
    DecodeFailed,
    InferenceFailed,
    InvalidInput,
    NotReady,
    Overloaded,
    TooManyFrames,
)

_KEPT_FOR_THE_OTHER = 1 / 8
"""Each class leaves the other so much of the room, so that neither waits for room behind it."""
_HEADROOM = 1.25
"""A predicted wait is kept to in this much more time: machines are not steady."""


class Reservation:
    """The room of one tracklet."""

    def __init__(self, held: dict[Priority, int], priority: Priority, items: int) -> None:
        self._held = held
        self._priority = priority
        self.items = items
        held[priority] += items

    def shrink(self, items: int) -> None:
        """Keep only so much, for example because frames were unreadable."""
        kept = min(self.items, items)
        self._held[self._priority] -= self.items - kept
        self.items = kept


class Admission:
    """Bounds what is decoded, waits and is computed; used by one event loop.

    Args:
        max_items: Room for all of it.
        bulk_share: Of each batch, so much is for bulk.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        max_items: int,
        *,
        bulk_share: float = 0.125,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._max_items = max_items
        self._bulk_share = bulk_share
        self._clock = clock
        self._rate = AnswerRate(clock)
        self._held = dict.fromkeys(Priority, 0)
        self._all_end_s = -math.inf
        self._inside = 0
        self._open = True

    @property
    def held_items(self) -> int:
        """Items of all requests under way."""
        return sum(self._held.values())

    def close(self) -> None:
        """Let nobody in any more; those inside go on."""
        self._open = False

    def require_room(self, items: int, urgency: Urgency) -> None:
        """Refuse what could not be let in; nothing is reserved.

        Raises:
            NotReady: As `reserve` does, and likewise the others.
            TooManyFrames: When there could never be room.
            Overloaded: When there is none, or it could not be answered in time.
        """
        self._rate.advance(busy=self._is_busy)
        self._refuse_unless_fit(items, urgency)

    @contextmanager
    def reserve(self, items: int, urgency: Urgency) -> Iterator[Reservation]:
        """Room for the items of one request for the body of the `with`.

        Raises:
            NotReady: After `close`.
            TooManyFrames: When there could never be room.
            Overloaded: When there is none, or it could not be answered in time.
        """
        self.require_room(items, urgency)
        until_s = math.inf if urgency.until_s is None else urgency.until_s
        self._all_end_s = max(until_s, self._all_end_s) if self.held_items else until_s
        reservation = Reservation(self._held, urgency.priority, items)
        self._inside += 1
        try:
            yield reservation
        except (DecodeFailed, InferenceFailed, InvalidInput):
            self._answered(reservation.items, urgency.priority)
            raise
        else:
            self._answered(reservation.items, urgency.priority)
        finally:
            self._rate.advance(busy=self._is_busy)
            self._inside -= 1
            reservation.shrink(0)

    @property
    def _is_busy(self) -> bool:
        """Whether what is answered now says how much can be: one alone says how long it takes."""
        return self._inside > 1

    def _answered(self, items: int, priority: Priority) -> None:
        if self._is_busy:
            self._rate.answered(items, priority)

    def _refuse_unless_fit(self, items: int, urgency: Urgency) -> None:
        if not self._open:
            raise NotReady(
                expected="a service that takes requests",
                received="a request while the service drains",
                remedy="send the request again later",
                retry_after_s=1,
            )
        if items > self._max_items:
            raise TooManyFrames(
                expected=f"at most {self._max_items} frames",
                received=f"{items}",
                remedy="send fewer frames of the tracklet, or raise REID_MAX_QUEUE_FRAMES",
            )
        if self.held_items == 0:
            return  # Nothing is in its way, and whether it takes too long only a trial can tell.
        self._refuse_without_room(items, urgency.priority)
        wait_s = self._wait_s(items, urgency.priority)
        left_s = math.inf if urgency.until_s is None else urgency.until_s - self._clock()
        if wait_s * _HEADROOM > left_s:
            raise self._overloaded(
                expected="an answer before the request's deadline",
                received=f"a wait of about {wait_s:.1f} s with {max(left_s, 0.0):.1f} s left",
            )

    def _refuse_without_room(self, items: int, priority: Priority) -> None:
        kept = math.ceil(self._max_items * _KEPT_FOR_THE_OTHER)
        room, beside = self._max_items - kept, self.held_items
        own = self._held[priority]
        if priority is Priority.INTERACTIVE and own + items <= room:
            room = self._max_items
        elif priority is Priority.INTERACTIVE:
            beside = own
        elif own + items <= kept:
            room = self._max_items  # what searches have left for it
        if beside + items > room:
            raise self._overloaded(
                expected=f"at most {room} frames under way",
                received=f"{items} more beside {beside}",
            )

    def _wait_s(self, items: int, priority: Priority) -> float:
        """Until this many more of the class would be answered, by what was measured."""
        rate = self._rate.per_s()
        if rate is None:
            return 0.0
        own = self._held[priority] + items
        every_s = (self.held_items + items) / rate
        if priority is Priority.INTERACTIVE:
            return min(every_s, own / (rate * (1 - self._bulk_share)))
        searches = self._rate.per_s(Priority.INTERACTIVE) or 0.0
        guaranteed = rate * self._bulk_share
        left_by_searches = max(guaranteed, rate - searches)
        return min(own / guaranteed, max(every_s, own / left_by_searches))

    def _overloaded(self, *, expected: str, received: str) -> Overloaded:
        """The refusal, which asks to come back when what is inside is worked off, or has ended."""
        rate = self._rate.per_s()
        wait_s = 0.0 if rate is None else self.held_items / rate
        # After a stall the rate says days, but nobody inside outlasts his deadline.
        wait_s = min(wait_s, self._all_end_s - self._clock())
        return Overloaded(
            expected=expected,
            received=received,
            remedy="send the request again later",
            retry_after_s=max(1, math.ceil(wait_s)),
        )
