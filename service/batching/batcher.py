"""Concurrent calls in, full batches out to one or more backends, features back to each call.

The unit is an item, so nothing is padded to the longest tracklet: a call may be split over batches
and over lanes, and its features come back whole. A lane is a backend and the thread that owns it.
There is no timer: an idle lane starts at once with what there is, while all are busy the waiting
items grow into fuller batches by themselves.

How much may wait is bounded before it, by admission. Whatever goes wrong is answered: a poisoned
call fails alone, and when a thread ends for any reason all that wait are told.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence

from service.batching.assembly import Assembly
from service.batching.backend import Backend, BackendLost
from service.batching.batch_runner import BatchRunner, Run
from service.batching.delivery import Outcome, deliver
from service.batching.health import BatcherHealth
from service.batching.lane import Lane
from service.batching.observer import BatchObserver, DropReason, Unobserved
from service.batching.options import BatcherOptions
from service.batching.request import Computed, Items, Request
from service.batching.run_times import RunTimes
from service.batching.urgency import PATIENT, Urgency
from service.batching.work_queue import WorkQueue, not_running
from service.errors import ReidError

_SAME_MOMENT_S = 0.01
"""Whoever cancels a call for its deadline need not use the very clock tick that it names."""


class Batcher:
    """Turns concurrent calls into batches.

    Args:
        backends: One lane each: a thread that alone calls it. Closing them is their owner's part.
        options: How batches are made.
        observer: Told of batches and of what was dropped.
        on_lost: Called once, by a lane's thread, when a device is gone for good.
        clock: Monotonic seconds, the same as in the urgency of calls.
    """

    def __init__(
        self,
        backends: Sequence[Backend],
        options: BatcherOptions,
        *,
        observer: BatchObserver | None = None,
        on_lost: Callable[[BackendLost], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._observer = observer or Unobserved()
        self._on_lost = on_lost
        self._clock = clock
        self._run_times = RunTimes()
        self._queue = WorkQueue(options, self._observer, clock)
        self._lanes = [
            self._lane(f"batcher-{place}", backend, options)
            for place, backend in enumerate(backends)
        ]
        self._lock = threading.Lock()
        self._ended: str | None = "a batcher that has not started"
        self._lost = False

    @property
    def health(self) -> BatcherHealth:
        """Whether what is sent will be computed."""
        ended = self._ended
        busy_s = max(lane.busy_s for lane in self._lanes)
        stuck = busy_s > self._run_times.longest_s
        reason = ended
        if stuck and ended is None:
            reason = f"a batch that has been computed for {busy_s:.0f} s"
        return BatcherHealth(alive=ended is None, stuck=stuck, lost=self._lost, reason=reason)

    def start(self) -> None:
        """Start the lanes; once only."""
        self._ended = None
        self._queue.open()
        for lane in self._lanes:
            lane.start()

    def stop(self, *, timeout_s: float = 5.0) -> None:
        """Finish the batches in hand, fail all that waits with `NotReady`, end the threads.

        Args:
            timeout_s: For the batches in hand; those that take longer are failed as well.
        """
        self._end("a batcher that has stopped")
        until_s = time.monotonic() + timeout_s
        for lane in self._lanes:
            lane.join(max(0.0, until_s - time.monotonic()))

    async def features(self, items: Items, *, urgency: Urgency = PATIENT) -> Computed:
        """Features float32 [n, d] of items uint8 [n, ...], in the same order.

        Cancelling the call takes its waiting items out of the queue.

        Raises:
            ValueError: When there is no item.
            InferenceFailed: When a backend fails on this call.
            DeadlineExceeded: When its turn did not come before its deadline.
            NotReady: When the batcher is not running, or stops before the answer.
        """
        if len(items) < 1:
            raise ValueError("expected a tracklet of 1 or more frames, received none; decode first")
        loop = asyncio.get_running_loop()
        request = Request(items, urgency, loop.create_future(), loop, self._clock())
        self._queue.put(request)
        try:
            return await request.future
        except asyncio.CancelledError:
            self._queue.abandon(request, self._why_cancelled(urgency))
            raise
        except ReidError:
            self._queue.abandon(request, None)
            raise

    def _lane(self, name: str, backend: Backend, options: BatcherOptions) -> Lane:
        sizes = options.batch_sizes
        return Lane(
            name,
            BatchRunner(backend, sizes, self._clock),
            queue=self._queue,
            assembly=Assembly(sizes, buffers=2 if options.prefetch else 1),
            ran=self._ran,
            broken=self._broken,
        )

    def _ran(self, run: Run) -> None:
        self._run_times.add(run.run_s)
        self._observer.batch_done(items=run.items, size=run.size, run_s=run.run_s)

    def _why_cancelled(self, urgency: Urgency) -> DropReason:
        until_s = urgency.until_s
        if until_s is not None and self._clock() >= until_s - _SAME_MOMENT_S:
            return "expired"
        return "cancelled"

    def _broken(self, lane: Lane, error: BaseException) -> None:
        """A lane's thread is about to end: nobody may wait for what it would have done."""
        if not isinstance(error, BackendLost):
            self._end(f"a batching thread that died of {type(error).__name__}")
            lane.fail_held()
            return
        with self._lock:
            first = not self._lost
            self._lost = True
        self._end(f"a device that is lost: {error}")
        lane.fail_held()
        if first and self._on_lost is not None:
            self._on_lost(error)

    def _end(self, reason: str) -> None:
        with self._lock:
            if self._ended is None:
                self._ended = reason
        waiting = self._queue.close()
        deliver([Outcome(request, 0, not_running(), 0.0) for request in waiting])
