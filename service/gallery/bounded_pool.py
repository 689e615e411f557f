"""Threads that somebody owns, and a bounded queue in front of them."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from service.errors import NotReady, Overloaded
from service.stage_times import Stage, timed
from service.throughput import Throughput

T = TypeVar("T")


class BoundedPool:
    """Runs pieces of work on a few threads, in the order in which they came.

    Args:
        name: Of the work, for the threads and for refusals.
        threads: How many pieces run at a time.
        most_waiting: Pieces of work that may wait or run; more are refused.
        stage: Of a request, that this is; its wait for a thread is counted with it.
    """

    def __init__(
        self, name: str, *, threads: int, most_waiting: int, stage: Stage = "store"
    ) -> None:
        self._name = name
        self._stage = stage
        self._executor = ThreadPoolExecutor(max_workers=threads, thread_name_prefix=name)
        self._threads = threads
        self._most_waiting = most_waiting
        self._places = threading.Semaphore(most_waiting)
        self._throughput = Throughput()
        self._closed = False

    async def run(self, work: Callable[[], T]) -> T:
        """The result of `work`, done on a thread.

        A cancelled caller takes its work back if it has not begun; what has begun is finished, so
        that a write is done whole or not at all.

        Raises:
            NotReady: When the pool is closed.
            Overloaded: When too much waits already; says when to come back.
        """
        if self._closed:
            raise gallery_stops()
        if not self._places.acquire(blocking=False):
            raise Overloaded(
                expected=f"at most {self._most_waiting} requests waiting for {self._name}",
                received="one more",
                remedy="send the request again later",
                retry_after_s=self._throughput.retry_after_s(self._most_waiting // self._threads),
            )
        future = self._executor.submit(self._timed, work)
        future.add_done_callback(lambda _: self._places.release())
        with timed(self._stage):
            return await asyncio.wrap_future(future)

    async def close(self) -> None:
        """Finish what waits and end the threads; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        # A cancelled caller must not leave threads that still write behind it.
        await asyncio.shield(asyncio.to_thread(self._executor.shutdown))

    def _timed(self, work: Callable[[], T]) -> T:
        started_s = time.monotonic()
        try:
            return work()
        finally:
            self._throughput.observe(1, time.monotonic() - started_s)


def gallery_stops() -> NotReady:
    """The error for what is asked of a gallery that is being closed."""
    return NotReady(
        expected="a running gallery",
        received="a request while the service stops",
        remedy="send the request again later",
        retry_after_s=1,
    )
