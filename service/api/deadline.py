"""The time that one request may take, and what a caller should do when it has passed."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from service.errors import DeadlineExceeded

NOTHING_KEPT = "nothing was stored; send the request again, with fewer frames if it persists"
OUTCOME_UNKNOWN = "outcome unknown: repeat the same request, which is safe"


class Deadline:
    """A moment, `seconds` after construction, that bounds each step of a request.

    Args:
        seconds: Time for the whole request.

    Attributes:
        until_s: The moment, of the monotonic clock that other threads have too.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._at = asyncio.get_running_loop().time() + seconds
        self.until_s = time.monotonic() + seconds

    @asynccontextmanager
    async def bounding(self, remedy: str) -> AsyncIterator[None]:
        """Cancel the body of the `with` when the moment passes.

        Args:
            remedy: What the caller can do if this step is cut short.

        Raises:
            DeadlineExceeded: When it was cut short.
        """
        try:
            async with asyncio.timeout_at(self._at) as limit:
                yield
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise DeadlineExceeded(
                expected=f"an answer within {self._seconds:g} s",
                received="no answer in that time",
                remedy=remedy,
            ) from error
