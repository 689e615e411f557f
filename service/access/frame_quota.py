"""Where the frames of a request are counted, whichever route embeds them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_spend: ContextVar[Callable[[int], None] | None] = ContextVar("spend_frames", default=None)


def spend_frames(frames: int) -> None:
    """Count frames against the quota of whoever asks; outside of a request there is none.

    Raises:
        QuotaExceeded: When the key may not have so many.
    """
    spend = _spend.get()
    if spend is not None:
        spend(frames)


@contextmanager
def frames_counted_by(spend: Callable[[int], None]) -> Iterator[None]:
    """Inside of it, frames are counted by `spend`."""
    token = _spend.set(spend)
    try:
        yield
    finally:
        _spend.reset(token)
