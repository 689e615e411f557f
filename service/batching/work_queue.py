"""The one queue from which all lanes take their batches."""

import threading
from collections.abc import Callable, Sized
from typing import Protocol

from service.batching.batch_size import items_to_take
from service.batching.delivery import Outcome, deliver
from service.batching.observer import BatchObserver, DropReason
from service.batching.options import BatcherOptions
from service.batching.request import Piece, Request
from service.batching.waiting_items import Taken, WaitingItems
from service.errors import DeadlineExceeded, NotReady


class Taker(Protocol):
    """A lane, as the queue sees it."""

    running: bool
    ahead: bool

    @property
    def computed(self) -> Sized:
        """Batches that its helper is to hand out."""
        ...


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
        self._full = options.batch_sizes[-1]
        self._observer = observer
        self.clock = clock
        self._waiting = WaitingItems(options.bulk_share)
        self._lock = threading.Lock()
        self._for_idle = threading.Condition(self._lock)
        self._for_helpers = threading.Condition(self._lock)
        self._idle = 0
        self._helped: set[Taker] = set()
        self._open = False

    def open(self) -> None:
        """Take requests from now on."""
        self._open = True

    def close(self) -> list[Request]:
        """Wake all lanes with nothing, refuse what comes, and give back what waited."""
        with self._lock:
            self._open = False
            self._for_idle.notify_all()
            self._for_helpers.notify_all()
            return self._waiting.clear()

    def put(self, request: Request) -> None:
        """Let a request wait for its batches.

        Raises:
            NotReady: When nobody takes any.
        """
        with self._lock:
            if not self._open:
                raise not_running()
            self._waiting.add(request)
            if self._idle:
                self._for_idle.notify(request.count)
            elif any(self._may_take_ahead(taker) for taker in self._helped):
                self._for_helpers.notify_all()

    def abandon(self, request: Request, reason: DropReason | None) -> None:
        """Nobody waits for this request any more, or it has failed: drop what is left of it."""
        with self._lock:
            self._waiting.abandon(request, reason)

    def take(self) -> list[Piece] | None:
        """Wait for the next batch of a lane that computes nothing; None when there will be none."""
        while True:
            with self._lock:
                taken = self._wait_for_items()
                if taken is None:
                    self._for_helpers.notify_all()
                    return None
            self._tell(taken)
            if taken.pieces:
                return taken.pieces

    def begin(self, taker: Taker) -> None:
        """The lane has put its batch together and computes it: its helper may take the next."""
        with self._lock:
            taker.running = True
            if self._waiting.live >= self._full:
                self._for_helpers.notify_all()

    def take_ahead(self, taker: Taker) -> list[Piece]:
        """A full batch for a lane that computes one, or nothing when there is none to spare."""
        with self._lock:
            if not self._may_take_ahead(taker):
                return []
            taken = self._waiting.take(self._full, self.clock())
            taker.ahead = bool(taken.pieces)
        self._tell(taken)
        return taken.pieces

    def go_on(self, taker: Taker) -> bool:
        """The lane has computed its batch: whether the next was taken ahead; else it is idle."""
        with self._lock:
            taker.running = taker.ahead
            taker.ahead = False
            if taker.running:
                self._for_helpers.notify_all()
            return taker.running

    def wait_to_help(self, taker: Taker) -> bool:
        """Wait until there is something to take ahead or to hand out; False when never again."""
        with self._lock:
            self._helped.add(taker)
            while not (taker.computed or self._may_take_ahead(taker)):
                if not (self._open or taker.running):
                    return False
                self._for_helpers.wait()
            return True

    def stop_running(self, taker: Taker) -> None:
        """The lane has come to its end with a batch in hand."""
        with self._lock:
            taker.running = taker.ahead = False
            self._for_helpers.notify_all()

    def _may_take_ahead(self, taker: Taker) -> bool:
        wanted = self._open and taker.running and not taker.ahead
        return wanted and not self._idle and self._waiting.live >= self._full

    def _wait_for_items(self) -> Taken | None:
        """What an idle lane is to compute, or only what was dropped; None when closed."""
        self._idle += 1
        try:
            while self._open:
                now_s = self.clock()
                live = self._waiting.live
                if not live:
                    if self._waiting.only_dead:
                        return self._waiting.take(0, now_s)
                    self._for_idle.wait()
                elif (delay_s := self._delay_s(live, now_s)) > 0:
                    self._for_idle.wait(delay_s)
                else:
                    items = items_to_take(live, self._idle, self._options.batch_sizes)
                    return self._waiting.take(items, now_s)
            return None
        finally:
            self._idle -= 1

    def _delay_s(self, live: int, now_s: float) -> float:
        if not self._options.max_delay_s or live >= self._full:
            return 0.0
        return self._waiting.oldest_s + self._options.max_delay_s - now_s

    def _tell(self, taken: Taken) -> None:
        if not taken.dropped:
            return
        for reason, items in taken.dropped.items():
            self._observer.dropped(reason, items=items)
        now_s = self.clock()
        deliver([Outcome(request, 0, _expired(), now_s) for request in taken.expired])


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
