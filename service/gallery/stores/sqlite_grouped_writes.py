"""Writes of several threads in one transaction: they wait for the disk once, together."""

import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from service.errors import ReidError
from service.gallery.gallery_errors import OutcomeUnknown
from service.gallery.stores.sqlite_connections import Connections

MOST_TOGETHER = 32
ENOUGH_CHANGES = 256
"""A group is closed once it has so many: a large transaction makes a large write-ahead log."""

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class _Pending(Generic[T]):
    """A write, and what became of it."""

    work: Callable[[sqlite3.Connection], T]
    changes: int
    done: bool = False
    result: T | None = None
    error: Exception | None = None

    def attempt(self, database: sqlite3.Connection) -> None:
        """Make the write, or take back what it did and keep why it could not.

        Raises:
            sqlite3.Error: When it is the database that could not.
        """
        self.result, self.error = None, None
        database.execute("SAVEPOINT one_of_several")
        try:
            self.result = self.work(database)
        except sqlite3.Error:
            raise
        except Exception as error:  # noqa: BLE001 raised in the thread whose write it is
            self.error = error
            database.execute("ROLLBACK TO one_of_several")
        database.execute("RELEASE one_of_several")


class GroupedWrites:
    """Makes writes durable; whoever finds others waiting takes theirs along.

    Args:
        connections: Of the database.
    """

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._leading = threading.Lock()
        self._queueing = threading.Lock()
        self._queue: list[_Pending[object]] = []

    def run(self, work: Callable[[sqlite3.Connection], T], *, changes: int = 1) -> T:
        """What `work` returns, once all that it wrote is on disk.

        Args:
            work: Writes to the database. It is called again when the database fails during
                another write of its group. When it raises, nothing of it is written.
            changes: About how many rows it writes.
        """
        mine: _Pending[T] = _Pending(work, changes)
        with self._queueing:
            self._queue.append(mine)  # type: ignore[arg-type]
        with self._leading:
            if not mine.done:
                self._lead(mine)  # type: ignore[arg-type]
        if mine.error is not None:
            raise mine.error
        return mine.result  # type: ignore[return-value]

    def _lead(self, mine: _Pending[object]) -> None:
        with self._queueing:
            self._queue.remove(mine)
            group = [mine]
            while self._queue and len(group) < MOST_TOGETHER and _changes(group) < ENOUGH_CHANGES:
                group.append(self._queue.pop(0))
        try:
            self._make(group)
        finally:
            with self._queueing:
                self._queue[:0] = [
                    pending for pending in group if pending is not mine and not pending.done
                ]

    def _make(self, group: Sequence[_Pending[object]]) -> None:
        try:
            with self._connections.writing() as database:
                for pending in group:
                    pending.attempt(database)
        except ReidError as error:
            if len(group) > 1 and not isinstance(error, OutcomeUnknown):
                # A deletion may still fit on the disk where the enrolment beside it does not.
                for pending in group:
                    self._make([pending])
                return
            for pending in group:
                pending.error = error
        for pending in group:
            pending.done = True


def _changes(group: Sequence[_Pending[object]]) -> int:
    return sum(pending.changes for pending in group)
