"""How long runs took lately, and so how long one may take before it counts as stuck."""

import threading
from collections import deque

_REMEMBERED = 512
_SHORTEST_S = 30.0
_TIMES_THE_SLOWEST = 20


class RunTimes:
    """Of all lanes; any thread adds and asks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seconds: deque[float] = deque(maxlen=_REMEMBERED)

    def add(self, run_s: float) -> None:
        """Remember one run."""
        with self._lock:
            self._seconds.append(run_s)

    @property
    def longest_s(self) -> float:
        """A batch that takes longer does not end: 30 s, or 20 times the 99th percentile."""
        with self._lock:
            ascending = sorted(self._seconds)
        if not ascending:
            return _SHORTEST_S
        return max(_SHORTEST_S, _TIMES_THE_SLOWEST * ascending[len(ascending) * 99 // 100])
