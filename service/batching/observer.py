"""What batching tells of itself while it works, for whoever counts it."""

from typing import Literal, Protocol

DropReason = Literal["cancelled", "expired"]


class BatchObserver(Protocol):
    """Called by the batching thread, so it must be quick and must not fail."""

    def batch_done(self, *, items: int, size: int, run_s: float) -> None:
        """A batch of `size` rows, `items` of them real, took `run_s` seconds."""
        ...

    def dropped(self, reason: DropReason, *, items: int) -> None:
        """So many items were never computed, because nobody waits for them any more."""
        ...


class Unobserved:
    """For those who do not want to know."""

    def batch_done(self, *, items: int, size: int, run_s: float) -> None:
        """Nothing."""

    def dropped(self, reason: DropReason, *, items: int) -> None:
        """Nothing."""
