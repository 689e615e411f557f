"""The one queue from which all lanes take their batches."""

import threading
from collections.abc import Callable
from typing import Protocol

from service.batching.batch_size import items_to_take
from service.batching.delivery import Outcome, deliver
from service.batching.observer import BatchObserver, DropReason
from service.batching.options import BatcherOptions
from service.batching.request import Piece, Request
from service.batching.waiting_items import Taken, WaitingItems
from service.errors import DeadlineExceeded, NotReady


class Taker(Protocol):
    """Whoever asks for batches."""

    running: bool
    """Whether it is computing one already, so that this one is fetched ahead."""


class WorkQueue:
    """Hands out batches: at once to idle lanes, full ones only to lanes that compute already.

    Nothing is taken ahead that could still grow, so that a lane which comes free finds the fullest
    batch. There is no timer, unless the options have a delay.

    Args:
        options: How batches are made.
        observer: Told of what was dropped.
        clock: Monotonic seconds.
    """

    def __init__(
        self, options: BatcherOptions, observer: BatchObserver, clock: Callable[[], float]
    ) -> None:
        self._options = options
        self._observer = observer
        self.clock = clock
        self._waiting = WaitingItems(options.bulk_share)
        lock = threading.Lock()
        self._for_idle = threading.Condition(lock)
        self._for_running = threading.Condition(lock)
        self._idle = 0
        self._open = False

    def open(self) -> None:
        """Take requests from now on."""
        self._open = True

    def put(self, request: Request) -> None:
        """Let a request wait for its batches.

        Raises:
            NotReady: When nobody takes any.
        """
        with self._for_idle:
            if not self._open:
                raise not_running()
            self._waiting.add(request)
            if self._idle:
                self._for_idle.notify(request.count)
            elif self._waiting.live >= self._options.batch_sizes[-1]:
                self._for_running.notify()

    def abandon(self, request: Request, reason: DropReason | None) -> None:
        """Nobody waits for this request any more, or it has failed: drop what is left of it."""
        with self._for_idle:
            self._waiting.abandon(request, reason)

    def take(self, taker: Taker) -> list[Piece] | None:
        """Wait for the next batch; None when there will be none.

        It is empty where all that waited had expired or been cancelled, which is told here.
        """
        taken = self._wait(taker)
        if taken is None:
            return None
        for reason, items in taken.dropped.items():
            self._observer.dropped(reason, items=items)
        now_s = self.clock()
        deliver([Outcome(request, 0, _expired(), now_s) for request in taken.expired])
        return taken.pieces

    def came_free(self, taker: Taker) -> None:
        """Say that the taker computes nothing any more."""
        with self._for_idle:
            taker.running = False
            self._for_running.notify_all()

    def close(self) -> list[Request]:
        """Wake all takers with nothing, refuse what comes, and give back what waited."""
        with self._for_idle:
            self._open = False
            self._for_idle.notify_all()
            self._for_running.notify_all()
            return self._waiting.clear()

    def _wait(self, taker: Taker) -> Taken | None:
        with self._for_idle:
            while self._open:
                if not taker.running:
                    taken = self._take_idle()
                    if taken is not None:
                        return taken
                elif self._waiting.live >= self._options.batch_sizes[-1] and not self._idle:
                    return self._waiting.take(self._options.batch_sizes[-1], self.clock())
                else:
                    self._for_running.wait()
            return None

    def _take_idle(self) -> Taken | None:
        """A batch for a taker that has nothing to do, or None after a wait."""
        self._idle += 1
        try:
            live = self._waiting.live
            if not live:
                dead = self._waiting.take(0, self.clock())
                if dead.dropped:
                    return dead
                self._for_idle.wait()
                return None
            delay_s = self._delay_s(live)
            if delay_s > 0:
                self._for_idle.wait(delay_s)
                return None
            items = items_to_take(live, self._idle, self._options.batch_sizes)
            return self._waiting.take(items, self.clock())
        finally:
            self._idle -= 1

    def _delay_s(self, live: int) -> float:
        if not self._options.max_delay_s or live >= self._options.batch_sizes[-1]:
            return 0.0
        return self._waiting.oldest_s + self._options.max_delay_s - self.clock()


def _expired() -> DeadlineExceeded:
    return DeadlineExceeded(
        expected="a turn before the request's deadline",
        received="none in that time",
        remedy="send the request again later, or give it more time",
    )


def not_running() -> NotReady:
    """The answer to who asks, or waits, while nothing is computed."""
    return NotReady(
        expected="a running batcher",
        received="a request while the service starts or stops",
        remedy="send the request again later",
        retry_after_s=1,
    )
