"""A backend and the thread that alone calls it; batches come from the one queue."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import SimpleQueue

from service.batching.assembly import Assembly
from service.batching.backend import BackendLost
from service.batching.batch_runner import BatchRunner
from service.batching.delivery import Outcome, deliver
from service.batching.request import Items, Piece
from service.batching.work_queue import WorkQueue, not_running
from service.errors import InferenceFailed


@dataclass(frozen=True, slots=True, eq=False)
class _Batch:
    pieces: list[Piece]
    rows: Items | None


class Lane:
    """Takes batches, computes them and hands the features out, until the queue is closed.

    With two buffers of assembly, a second thread assembles the next batch during this one.

    Args:
        name: Of the threads.
        runner: Computes batches.
        queue: Where batches come from.
        assembly: Of one or two buffers.
        broken: Called once, by a thread that ends for another reason than a closed queue.
    """

    def __init__(
        self,
        name: str,
        runner: BatchRunner,
        *,
        queue: WorkQueue,
        assembly: Assembly,
        broken: Callable[[BaseException], None],
    ) -> None:
        self.running = False
        self._runner = runner
        self._queue = queue
        self._assembly = assembly
        self._broken = broken
        self._held: list[_Batch] = []
        self._since_s: float | None = None
        self._dead = False
        self._ahead: SimpleQueue[_Batch | None] = SimpleQueue()
        self._may_fetch = threading.Semaphore(1)
        bodies = (
            {name: self._take_and_compute}
            if assembly.buffers == 1
            else {name: self._compute_ahead, f"{name}-assembly": self._fetch_ahead}
        )
        self._threads = [
            threading.Thread(target=self._serve, args=(body,), name=thread, daemon=True)
            for thread, body in bodies.items()
        ]

    @property
    def busy_s(self) -> float:
        """Age of the batch that is being computed, 0 when there is none."""
        since_s = self._since_s
        return 0.0 if since_s is None else self._queue.clock() - since_s

    def start(self) -> None:
        """Start the threads; once only."""
        for thread in self._threads:
            thread.start()

    def join(self, timeout_s: float) -> None:
        """Wait for the batch in hand, after the queue was closed; then fail what is not done."""
        for thread in self._threads:
            if thread.is_alive():
                thread.join(timeout_s)
        self._fail_held()

    def _serve(self, body: Callable[[], None]) -> None:
        try:
            body()
        except BaseException as error:
            # Nobody may hang, whatever it was that ended the thread.
            self._dead = True
            self._since_s = None
            self._fail_held()
            self._broken(error)
            if not isinstance(error, BackendLost):
                raise
        finally:
            self._may_fetch.release()
            self._ahead.put(None)

    def _take_and_compute(self) -> None:
        while (batch := self._next_batch()) is not None:
            self._compute(batch)

    def _fetch_ahead(self) -> None:
        self._may_fetch.acquire()
        while (batch := self._next_batch()) is not None:
            self._ahead.put(batch)
            self._may_fetch.acquire()

    def _compute_ahead(self) -> None:
        while (batch := self._ahead.get()) is not None:
            self.running = True
            self._may_fetch.release()
            self._compute(batch)
            if self._ahead.empty():
                self._queue.came_free(self)

    def _next_batch(self) -> _Batch | None:
        """Wait for items and put them side by side; None when there will be none."""
        pieces: list[Piece] | None = []
        while not pieces:
            pieces = self._queue.take(self)
            if pieces is None:
                return None
        try:
            rows = self._assembly.rows(pieces)
        except (ValueError, MemoryError):
            rows = None  # The runner finds out by halving which request does not fit.
        batch = _Batch(pieces, rows)
        self._held.append(batch)
        if self._dead:
            self._fail_held()
        return batch

    def _compute(self, batch: _Batch) -> None:
        self._since_s = self._queue.clock()
        results = self._runner.run(batch.pieces, batch.rows)
        self._since_s = None
        done_s = self._queue.clock()
        for piece, result in zip(batch.pieces, results, strict=True):
            if isinstance(result, InferenceFailed):
                self._queue.abandon(piece.request, None)
        deliver(
            [
                Outcome(piece.request, piece.start, result, done_s)
                for piece, result in zip(batch.pieces, results, strict=True)
            ]
        )
        self._held.remove(batch)

    def _fail_held(self) -> None:
        for batch in list(self._held):
            _fail(batch.pieces)


def _fail(pieces: Sequence[Piece]) -> None:
    deliver([Outcome(piece.request, piece.start, not_running(), 0.0) for piece in pieces])
