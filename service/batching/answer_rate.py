"""How many items a second are really answered while there is something to do."""

import math
from collections.abc import Callable

from service.batching.urgency import Priority

_MEMORY_S = 5.0
"""Of busy time: what is older than this counts little."""

_LEAST_BUSY_S = 0.25
"""Before it the first answers are still on their way, and it would seem that there are few."""


class AnswerRate:
    """Items answered over busy seconds, both forgotten alike; time without work is left out.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._seen_s = clock()
        self._busy_s = 0.0
        self._items = dict.fromkeys(Priority, 0.0)

    def advance(self, *, busy: bool) -> None:
        """Take in the time since the last call: whether there was work in it."""
        now_s = self._clock()
        passed_s, self._seen_s = now_s - self._seen_s, now_s
        if not busy:
            return
        kept = math.exp(-passed_s / _MEMORY_S)
        self._busy_s = self._busy_s * kept + passed_s
        for priority in Priority:
            self._items[priority] *= kept

    def answered(self, items: int, priority: Priority) -> None:
        """Take in that so many items, under way until now, are answered."""
        self.advance(busy=True)
        self._items[priority] += items

    def per_s(self, priority: Priority | None = None) -> float | None:
        """Items a second, of one class or of all; None before enough was measured."""
        every = sum(self._items.values())
        if not every or self._busy_s < _LEAST_BUSY_S:
            return None
        return (every if priority is None else self._items[priority]) / self._busy_s
