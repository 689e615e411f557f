"""Whether batches are still being computed, and why not."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BatcherHealth:
    """What is true of a batcher at one moment.

    Attributes:
        alive: Started, not stopped, and every thread runs.
        stuck: A batch is being computed for far longer than batches take.
        lost: A device is gone for good: only a new process can go on.
        reason: Why it is not well; None while it is.
    """

    alive: bool
    stuck: bool
    lost: bool
    reason: str | None

    @property
    def well(self) -> bool:
        """Whether what is sent will be computed."""
        return self.reason is None
