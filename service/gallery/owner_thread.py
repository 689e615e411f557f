"""One thread that owns what must not be shared, and a bounded queue in front of it."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from service.errors import NotReady, Overloaded
from service.throughput import Throughput

T = TypeVar("T")


class OwnerThread:
    """Runs one piece of work after the other, in the order in which it came.

    Args:
        name: Of the thread.
        most_waiting: Pieces of work that may wait or run; more are refused.
    """

    def __init__(self, name: str, *, most_waiting: int) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._most_waiting = most_waiting
        self._places = threading.Semaphore(most_waiting)
        self._throughput = Throughput()
        self._closed = False

    async def run(self, work: Callable[[], T]) -> T:
        """The result of `work`, done on the thread.

        A cancelled caller takes its work back if it has not begun; what has begun is finished.

        Raises:
            NotReady: When the thread is closed.
            Overloaded: When too much waits already; says when to come back.
        """
        if self._closed:
            raise NotReady(
                expected="a running gallery",
                received="a request while the service stops",
                remedy="send the request again later",
                retry_after_s=1,
            )
        if not self._places.acquire(blocking=False):
            raise Overloaded(
                expected=f"at most {self._most_waiting} requests waiting for the gallery",
                received="one more",
                remedy="send the request again later",
                retry_after_s=self._throughput.retry_after_s(self._most_waiting),
            )
        future = self._executor.submit(self._timed, work)
        future.add_done_callback(lambda _: self._places.release())
        return await asyncio.wrap_future(future)

    async def close(self, last: Callable[[], None]) -> None:
        """Finish what waits, then `last`, and end the thread; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        future = self._executor.submit(last)
        self._executor.shutdown(wait=False)
        # A cancelled caller must not take the last work with it: it lets go of the lock.
        await asyncio.shield(asyncio.wrap_future(future))

    def _timed(self, work: Callable[[], T]) -> T:
        started_s = time.monotonic()
        try:
            return work()
        finally:
            self._throughput.observe(1, time.monotonic() - started_s)
