"""Runs batches on one backend, so that a failure touches as few requests as it can.

A batch that fails is halved until the failing request is alone, one that does not fit into memory
is run in smaller parts. When even a blank item fails again and again it is not the requests: then
the backend counts as lost.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from service.batching.assembly import Assembly
from service.batching.backend import Backend, BackendLost, BackendOutOfMemory
from service.batching.batch_size import padded_size
from service.batching.request import Features, Items, Piece
from service.batching.row_budget import RowBudget
from service.errors import InferenceFailed

_BLANK_FAILURES_UNTIL_LOST = 3


class Run(NamedTuple):
    """One call of the backend: `items` of its `size` rows were real."""

    items: int
    size: int
    run_s: float


class Computation(NamedTuple):
    """The result of each piece of a batch, the runs that gave them, and when the last ended."""

    results: list[Features | InferenceFailed]
    runs: list[Run]
    done_s: float


class BatchRunner:
    """Computes the features of each piece of a batch, or its error.

    Args:
        backend: Called by the thread that calls `run`.
        sizes: Ascending sizes of the batches that the backend is given.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        backend: Backend,
        sizes: tuple[int, ...],
        clock: Callable[[], float],
    ) -> None:
        self._backend = backend
        self._sizes = sizes
        self._runs: list[Run] = []
        self._clock = clock
        self._budget = RowBudget(sizes)
        self._retries = Assembly(sizes, buffers=1)
        self._blank_failures = 0

    def run(self, pieces: Sequence[Piece], rows: Items | None) -> Computation:
        """Compute a batch.

        Args:
            pieces: One or more.
            rows: Their items, assembled; None when that failed.

        Raises:
            BackendLost: When nothing will ever be computed again.
        """
        self._runs = []
        results = self._halved(pieces, rows)
        if isinstance(results[0], InferenceFailed) and _all_failed(results):
            self._try_blank(pieces[0].items.shape[1:])
        else:
            self._blank_failures = 0
        return Computation(results, self._runs, self._clock())

    def _halved(
        self, pieces: Sequence[Piece], rows: Items | None
    ) -> list[Features | InferenceFailed]:
        try:
            count = sum(len(piece.items) for piece in pieces)
            features = self._features(self._retries.rows(pieces) if rows is None else rows, count)
        except BackendLost:
            raise
        except Exception as error:  # noqa: BLE001 - a runtime raises classes of its own
            if len(pieces) == 1:
                return [failed(error)]
            half = len(pieces) // 2
            return self._halved(pieces[:half], None) + self._halved(pieces[half:], None)
        if len(features) == len(pieces[0].items):
            return [features]
        results: list[Features | InferenceFailed] = []
        start = 0
        for piece in pieces:
            stop = start + len(piece.items)
            results.append(features[start:stop])
            start = stop
        return results

    def _features(self, rows: Items, count: int) -> Features:
        """Of the first `count` rows and perhaps some padding, in as few runs as memory allows."""
        done: list[Features] = []
        start = 0
        while start < count:
            items = min(count - start, self._budget.rows)
            try:
                done.append(self._run(_part(rows, start, items, self._sizes), items))
            except (BackendOutOfMemory, MemoryError):
                if not self._budget.shrink(padded_size(items, self._sizes)):
                    raise
            else:
                start += items
        return done[0] if len(done) == 1 else np.concatenate(done)

    def _run(self, rows: Items, items: int) -> Features:
        started_s = self._clock()
        features = self._backend.run(rows)
        if features.ndim != 2 or len(features) != len(rows):
            raise ValueError(
                f"expected features [{len(rows)}, d] from the backend, "
                f"received {list(features.shape)}"
            )
        self._budget.ran(len(rows))
        self._runs.append(Run(items, len(rows), self._clock() - started_s))
        return features

    def _try_blank(self, shape: tuple[int, ...]) -> None:
        """Tell whether the requests are at fault or the backend."""
        try:
            self._backend.run(np.zeros((self._sizes[0], *shape), np.uint8))
        except BackendLost:
            raise
        except Exception as error:
            self._blank_failures += 1
            if self._blank_failures >= _BLANK_FAILURES_UNTIL_LOST:
                raise BackendLost(
                    f"expected a blank item to be computed, received {type(error).__name__} "
                    f"{_BLANK_FAILURES_UNTIL_LOST} times; restart the service"
                ) from error
        else:
            self._blank_failures = 0


def _all_failed(results: Sequence[Features | InferenceFailed]) -> bool:
    return all(isinstance(result, InferenceFailed) for result in results)


def failed(error: Exception) -> InferenceFailed:
    """What the requests are told that the backend fails on."""
    answer = InferenceFailed(
        expected="the model to run on these frames",
        received=f"{type(error).__name__} from the runtime",
        remedy="report these frames; the other requests are not touched by it",
    )
    answer.__cause__ = error
    return answer


def _part(rows: Items, start: int, items: int, sizes: tuple[int, ...]) -> Items:
    """These rows in a batch of one of the sizes; not copied where they fill it."""
    size = padded_size(items, sizes)
    if start + size <= len(rows):
        # What lies behind the items, padding or items of the next part, is computed for nothing.
        return rows[start : start + size]
    part = np.zeros((size, *rows.shape[1:]), np.uint8)
    part[:items] = rows[start : start + items]
    return part
