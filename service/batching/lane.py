"""A backend and the thread that alone calls it; batches come from the one queue."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue

from service.batching.assembly import Assembly
from service.batching.backend import BackendLost
from service.batching.batch_runner import BatchRunner, Computation, Run
from service.batching.delivery import Outcome, deliver
from service.batching.request import Items, Piece
from service.batching.work_queue import WorkQueue, not_running
from service.errors import InferenceFailed


@dataclass(slots=True, eq=False)
class _Batch:
    pieces: list[Piece]
    rows: Items | None


class Lane:
    """Takes batches, computes them and hands the features out, until the queue is closed.

    One thread does all of it. With two buffers a second thread assembles a full batch ahead while
    the backend computes, and hands out what is computed, so that the backend gets one batch right
    after the other. While there is nothing ahead the first thread needs no help, which would only
    cost time.

    Args:
        name: Of the thread that calls the backend.
        runner: Computes batches.
        queue: Where batches come from.
        assembly: Of one or two buffers.
        ran: Told of each run of the backend, before its features are handed out.
        broken: Called by a thread that ends for another reason than a closed queue; it must see
            to `fail_held`.

    Attributes:
        running: A batch is being computed; guarded by the queue, as `ahead` is.
        ahead: The next one was taken already.
        computed: Batches to hand out.
    """

    def __init__(
        self,
        name: str,
        runner: BatchRunner,
        *,
        queue: WorkQueue,
        assembly: Assembly,
        ran: Callable[[Run], None],
        broken: Callable[["Lane", BaseException], None],
    ) -> None:
        self.running = False
        self.ahead = False
        self.computed: deque[tuple[_Batch, Computation]] = deque()
        self._runner = runner
        self._queue = queue
        self._assembly = assembly
        self._ran = ran
        self._broken = broken
        self._held: list[_Batch] = []
        self._since_s: float | None = None
        self._dead = False
        self._fetched: SimpleQueue[_Batch | None] = SimpleQueue()
        bodies: dict[str, Callable[[], None]] = {name: self._compute_all}
        if assembly.buffers > 1:
            bodies[f"{name}-ahead"] = self._help
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
        """Wait for the batches in hand, after the queue was closed; fail what is not done then."""
        for thread in self._threads:
            if thread.is_alive():
                thread.join(timeout_s)
        self.fail_held()

    def fail_held(self) -> None:
        """Tell all whose items it holds that they will not be computed."""
        deliver(
            [
                Outcome(piece.request, piece.start, not_running(), 0.0)
                for batch in list(self._held)
                for piece in batch.pieces
            ]
        )

    def _serve(self, body: Callable[[], None]) -> None:
        try:
            body()
        except BaseException as error:
            self._dead = True
            self._since_s = None
            self._broken(self, error)
            self._queue.stop_running(self)
            self._fetched.put(None)
            if not isinstance(error, BackendLost):
                raise

    def _compute_all(self) -> None:
        batch = self._fetch()
        while batch is not None:
            self._since_s = self._queue.clock()
            computation = self._runner.run(batch.pieces, batch.rows)
            self._since_s = None
            self.computed.append((batch, computation))
            if self._queue.go_on(self):
                batch = self._fetched.get()
            else:
                self._hand_out_computed()
                batch = self._fetch()

    def _help(self) -> None:
        while self._queue.wait_to_help(self):
            self._hand_out_computed()
            pieces = self._queue.take_ahead(self)
            if pieces:
                self._fetched.put(self._assembled(pieces))

    def _fetch(self) -> _Batch | None:
        """Wait for items and put them side by side; None when there will be none."""
        pieces = self._queue.take()
        if pieces is None:
            return None
        batch = self._assembled(pieces)
        # Not before: two threads that assemble at a time could take the buffers in another order
        # than that in which they are computed, and write over one that is.
        self._queue.begin(self)
        return batch

    def _assembled(self, pieces: list[Piece]) -> _Batch:
        try:
            rows = self._assembly.rows(pieces)
        except (ValueError, MemoryError):
            rows = None  # The runner finds out by halving which request does not fit.
        batch = _Batch(pieces, rows)
        self._held.append(batch)
        if self._dead:
            self.fail_held()
        return batch

    def _hand_out_computed(self) -> None:
        while self.computed:
            try:
                batch, computation = self.computed.popleft()
            except IndexError:
                return  # The other thread was quicker.
            self._hand_out(batch, computation)

    def _hand_out(self, batch: _Batch, computation: Computation) -> None:
        outcomes = []
        for piece, result in zip(batch.pieces, computation.results, strict=True):
            if isinstance(result, InferenceFailed):
                self._queue.abandon(piece.request, None)
            outcomes.append(Outcome(piece.request, piece.start, result, computation.done_s))
        for run in computation.runs:
            self._ran(run)
        # Last of all: the loop that is woken waits for the interpreter until this thread rests.
        deliver(outcomes)
        self._held.remove(batch)
