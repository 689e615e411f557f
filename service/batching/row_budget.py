"""How many rows fit into a device's memory, learnt from when they did not."""

_FULL_RUNS_UNTIL_LARGER = 64
_MOST_RUNS_UNTIL_LARGER = 4096


class RowBudget:
    """At first the largest batch; halved when that does not fit, and slowly tried again.

    Args:
        sizes: Ascending sizes of batches.
    """

    def __init__(self, sizes: tuple[int, ...]) -> None:
        self._sizes = sizes
        self._place = len(sizes) - 1
        self._full_runs = 0
        self._until_larger = _FULL_RUNS_UNTIL_LARGER // 2

    @property
    def rows(self) -> int:
        """The most rows to run at a time."""
        return self._sizes[self._place]

    def shrink(self, failed: int) -> bool:
        """So many rows did not fit: allow half of them; False where there is no smaller size.

        Each time, the larger batch is tried again only after twice as many runs.
        """
        smaller = [place for place, size in enumerate(self._sizes) if size <= failed // 2]
        if not smaller and failed <= self._sizes[0]:
            return False
        self._place = min(self._place, smaller[-1] if smaller else 0)
        self._full_runs = 0
        self._until_larger = min(2 * self._until_larger, _MOST_RUNS_UNTIL_LARGER)
        return True

    def ran(self, rows: int) -> None:
        """So many rows did fit: after enough such runs the next larger size is allowed."""
        if rows < self.rows or self._place == len(self._sizes) - 1:
            return
        self._full_runs += 1
        if self._full_runs >= self._until_larger:
            self._place += 1
            self._full_runs = 0
