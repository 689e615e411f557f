"""Frames of many tracklets in one batch: the unit is a frame, so nothing is padded.

One thread owns the runtime. It takes what waits, up to the batch limit, and computes; meanwhile
new tracklets gather. There is no timer: an idle batcher starts at once with what it has, a busy one
finds fuller batches by itself. A tracklet may be split over batches; its features come back whole.

Whatever goes wrong is answered: a failing batch is tried again tracklet by tracklet, so that only
the poisoned one fails, and when the thread ends for any reason everything that waits is told.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from service.batching.backend import Backend, BackendLost
from service.batching.health import BatcherHealth
from service.batching.observer import BatchObserver, Unobserved
from service.batching.options import BatcherOptions
from service.batching.urgency import PATIENT, Urgency
from service.errors import InferenceFailed, NotReady, ReidError

_LONGEST_BATCH_S = 30.0

Features = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Computed:
    """Features [n, d] of one call, and how long it waited and was computed."""

    features: Features
    queued_s: float
    inference_s: float


@dataclass(eq=False)
class _Request:
    """One tracklet on its way: frames [t, h, w, 3]; `taken` of them are in a batch or done."""

    frames: NDArray[np.uint8]
    future: asyncio.Future[Features]
    loop: asyncio.AbstractEventLoop
    taken: int = 0
    rows: list[Features] = field(default_factory=list)
    came_s: float = field(default_factory=time.monotonic)
    queued_s: float = 0.0
    inference_s: float = 0.0


@dataclass(frozen=True)
class _Slice:
    """The frames of one request that go into one batch."""

    request: _Request
    frames: NDArray[np.uint8]


@dataclass(frozen=True)
class _Outcome:
    request: _Request
    result: Features | ReidError


class Batcher:
    """Turns concurrent calls into batches for one backend.

    Args:
        backends: One lane each: a thread that alone calls it.
        options: How batches are made.
        observer: Told of batches and of what was dropped.
        on_lost: Called once, by a lane's thread, when a device is gone for good.
    """

    def __init__(
        self,
        backends: Sequence[Backend],
        options: BatcherOptions,
        *,
        observer: BatchObserver | None = None,
        on_lost: Callable[[BackendLost], None] | None = None,
    ) -> None:
        (self._backend,) = backends
        self._observer = observer or Unobserved()
        self._on_lost = on_lost
        self._max_batch_frames = options.batch_sizes[-1]
        self._thread = threading.Thread(target=self._serve, name="batcher", daemon=True)
        self._condition = threading.Condition()
        self._waiting: deque[_Request] = deque()
        self._waiting_frames = 0
        self._in_flight: list[_Slice] = []
        self._in_flight_since_s: float | None = None
        self._stopping = False

    @property
    def alive(self) -> bool:
        """Whether the thread runs and takes work."""
        return self._thread.is_alive() and not self._stopping

    @property
    def busy_s(self) -> float:
        """Age of the batch that is being computed, 0 when there is none."""
        since_s = self._in_flight_since_s
        return 0.0 if since_s is None else time.monotonic() - since_s

    @property
    def health(self) -> BatcherHealth:
        """Whether what is sent will be computed."""
        stuck = self.busy_s > _LONGEST_BATCH_S
        reason = "a batch that does not end" if stuck else None
        if not self.alive:
            reason = "a batcher that does not run"
        return BatcherHealth(alive=self.alive, stuck=stuck, lost=False, reason=reason)

    def start(self) -> None:
        """Start the thread; once only."""
        self._thread.start()

    def stop(self, *, timeout_s: float = 5.0) -> None:
        """Finish the batch in hand, fail all that waits with `NotReady`, end the thread.

        Args:
            timeout_s: For the batch in hand; when it takes longer it is failed as well.
        """
        with self._condition:
            self._stopping = True
            self._condition.notify_all()
        self._fail_waiting()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        self._fail_in_flight()

    async def features(
        self,
        frames: NDArray[np.uint8],
        *,
        urgency: Urgency = PATIENT,  # noqa: ARG002 all are equal so far
    ) -> Computed:
        """Features float32 [t, d] of frames uint8 [t, h, w, 3], in the same order.

        Cancelling the call takes its waiting frames out of the queue.

        Raises:
            ValueError: When there is no frame.
            InferenceFailed: When the backend fails on this tracklet.
            NotReady: When the batcher is not running, or stops before the answer.
        """
        loop = asyncio.get_running_loop()
        request = _Request(frames, loop.create_future(), loop)
        self._admit(request)
        try:
            features = await request.future
        finally:
            self._withdraw(request)
        return Computed(features, request.queued_s, request.inference_s)

    def _admit(self, request: _Request) -> None:
        count = len(request.frames)
        if count < 1:
            raise ValueError("expected a tracklet of 1 or more frames, received none; decode first")
        with self._condition:
            if not self.alive:
                raise _not_running()
            self._waiting.append(request)
            self._waiting_frames += count
            self._condition.notify()

    def _withdraw(self, request: _Request) -> None:
        """Nobody waits for this request any more: drop what is left of it."""
        with self._condition:
            if request.taken < len(request.frames) and request in self._waiting:
                self._waiting.remove(request)
                self._waiting_frames -= len(request.frames) - request.taken

    def _serve(self) -> None:
        try:
            while batch := self._next_batch():
                self._answer(batch)
        finally:
            # Reached by stop(), or by an exception that no handler may swallow. Nobody may hang.
            self._stopping = True
            self._fail_waiting()
            self._fail_in_flight()

    def _next_batch(self) -> list[_Slice]:
        """Wait for frames and take up to a batch of them, oldest first; empty when stopping."""
        with self._condition:
            self._in_flight = []
            self._in_flight_since_s = None
            self._condition.wait_for(lambda: bool(self._waiting) or self._stopping)
            if self._stopping:
                return []
            room = self._max_batch_frames
            while self._waiting and room:
                request = self._waiting[0]
                frames = request.frames[request.taken : request.taken + room]
                if not request.taken:
                    request.queued_s = time.monotonic() - request.came_s
                self._in_flight.append(_Slice(request, frames))
                request.taken += len(frames)
                room -= len(frames)
                if request.taken == len(request.frames):
                    self._waiting.popleft()
            self._waiting_frames -= self._max_batch_frames - room
            self._in_flight_since_s = time.monotonic()
            return self._in_flight

    def _answer(self, batch: list[_Slice]) -> None:
        try:
            outcomes = self._outcomes(batch)
        except Exception as error:  # noqa: BLE001 - the thread outlives it, the callers get it
            # For example features that do not fit beside those of the tracklet's first batch.
            outcomes = [_Outcome(piece.request, _failed(error)) for piece in batch]
        for outcome in outcomes:
            self._withdraw(outcome.request)
        _deliver(outcomes)

    def _outcomes(self, batch: list[_Slice]) -> list[_Outcome]:
        """Of the requests that are decided with this batch; the others keep their rows."""
        outcomes = []
        for piece, result in zip(batch, self._compute(batch), strict=True):
            request = piece.request
            if isinstance(result, InferenceFailed):
                outcomes.append(_Outcome(request, result))
                continue
            request.rows.append(result)
            request.inference_s = time.monotonic() - request.came_s - request.queued_s
            if sum(map(len, request.rows)) == len(request.frames):
                outcomes.append(_Outcome(request, np.concatenate(request.rows)))
        return outcomes

    def _compute(self, batch: list[_Slice]) -> Sequence[Features | InferenceFailed]:
        """Features, or the error, of each slice; on failure each slice gets a run of its own."""
        frames = [piece.frames for piece in batch]
        try:
            rows = self._run(frames)
        except Exception as error:  # noqa: BLE001 - a runtime raises classes of its own
            if len(batch) == 1:
                return [_failed(error)]
            return [result for piece in batch for result in self._compute([piece])]
        return np.split(rows, np.cumsum([len(piece) for piece in frames])[:-1])

    def _run(self, frames: list[NDArray[np.uint8]]) -> Features:
        rows = frames[0] if len(frames) == 1 else np.concatenate(frames)
        features = self._backend.run(rows)
        if features.ndim != 2 or len(features) != len(rows):
            raise ValueError(
                f"expected features [{len(rows)}, d] from the backend, "
                f"received {list(features.shape)}"
            )
        return features

    def _fail_waiting(self) -> None:
        with self._condition:
            waiting = list(self._waiting)
            self._waiting.clear()
            self._waiting_frames = 0
        _deliver([_Outcome(request, _not_running()) for request in waiting])

    def _fail_in_flight(self) -> None:
        _deliver([_Outcome(piece.request, _not_running()) for piece in self._in_flight])


def _deliver(outcomes: list[_Outcome]) -> None:
    """Wake each event loop once, however many of its requests are decided."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Outcome]] = {}
    for outcome in outcomes:
        by_loop.setdefault(outcome.request.loop, []).append(outcome)
    for loop, own in by_loop.items():
        # A closed loop has nobody left who waits.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_settle, own)


def _settle(outcomes: list[_Outcome]) -> None:
    for outcome in outcomes:
        future = outcome.request.future
        if future.done():
            continue
        if isinstance(outcome.result, ReidError):
            future.set_exception(outcome.result)
        else:
            future.set_result(outcome.result)


def _failed(error: Exception) -> InferenceFailed:
    failed = InferenceFailed(
        expected="the model to run on these frames",
        received=f"{type(error).__name__} from the runtime",
        remedy="report these frames; the other requests are not touched by it",
    )
    failed.__cause__ = error
    return failed


def _not_running() -> NotReady:
    return NotReady(
        expected="a running batcher",
        received="a request while the service starts or stops",
        remedy="send the request again later",
        retry_after_s=1,
    )
