"""The audit log: who searched for, read, exported or erased whom, when, and to what purpose.

An entry that must be there before the answer is `recorded`: it is durable when the call returns.
A search is only `noted`: a thread writes what came within the last moments, so that no search
waits for a disk, and kill -9 loses the searches of at most one second. Both go through one bounded
queue, in order. While the store is away notes are kept as long as there is room; the number of
those that were dropped is counted, and stands in an entry of its own once the store is back. An
entry may be there twice when the connection broke while it was being written.
"""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

from service.errors import Overloaded, ReidError
from service.gallery.gallery_errors import StoreUnavailable
from service.gallery.periodic_thread import PeriodicThread
from service.gallery.stores.audit_entry import AuditEntry
from service.gallery.stores.protocol import GalleryStore

MISSING = "entries_missing"
"""Action of the entry that says how many others are not there."""

_WRITE_EVERY_S = 0.5
_MOST_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, as far as the service knows.

    Attributes:
        actor: The name of an API key, or the address of the client.
        purpose: As the caller stated it.
        request_id: Of the log line.
    """

    actor: str
    purpose: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Deed:
    """What is asked for.

    Attributes:
        action: `search`, `erase`, `delete`, `export`, ...
        gallery: Its name.
        subject: Id of the tracklet or identity, where there is one.
        count: Of how many tracklets, where that is known.
    """

    action: str
    gallery: str
    subject: str | None = None
    count: int | None = None


@dataclass(slots=True)
class _Waiting:
    entry: AuditEntry
    written: Future[None] | None


class AuditLog:
    """Writes entries in batches on a thread of its own.

    Args:
        store: Where they go.
        most_waiting: Entries that may wait to be written.
        clock: Unix seconds.
    """

    def __init__(
        self, store: GalleryStore, *, most_waiting: int, clock: Callable[[], float]
    ) -> None:
        self._store = store
        self._most_waiting = most_waiting
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: deque[_Waiting] = deque()
        self._missing = 0
        self._dropped = 0
        self._closed = False
        self._thread = PeriodicThread("audit", self.write_waiting, every_s=_WRITE_EVERY_S)

    @property
    def alive(self) -> bool:
        """Whether entries are being written."""
        return self._thread.alive

    @property
    def dropped(self) -> int:
        """Entries for which there was no room, since the start."""
        return self._dropped

    @property
    def waiting(self) -> int:
        """Entries that are not written yet."""
        return len(self._waiting)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def close(self) -> None:
        """Write what waits, as far as the store takes it, and stop."""
        with self._lock:
            self._closed = True
        self._thread.close()
        try:
            self.write_waiting()
        except ReidError as error:
            with self._lock:
                unwritten = list(self._waiting)
                self._waiting.clear()
            self._dropped += len(unwritten)
            _tell(unwritten, error)

    def note(self, caller: Caller, deed: Deed) -> None:
        """Write this within a second; where there is no room it is counted as missing."""
        with self._lock:
            if self._closed or len(self._waiting) >= self._most_waiting:
                self._missing += 1
                self._dropped += 1
                return
            self._waiting.append(_Waiting(self._entry(caller, deed), None))
            if len(self._waiting) == self._most_waiting // 2:
                self._thread.wake()

    def record(self, caller: Caller, deed: Deed) -> "Future[None]":
        """Done when this is durable; holds `StoreUnavailable` where it could not be made so.

        Raises:
            Overloaded: When there is no room.
            StoreUnavailable: When the log is closed.
        """
        written: Future[None] = Future()
        with self._lock:
            if self._closed:
                raise _closed()
            if len(self._waiting) >= self._most_waiting:
                raise _full(self._most_waiting)
            self._waiting.append(_Waiting(self._entry(caller, deed), written))
        self._thread.wake()
        return written

    def write_waiting(self) -> None:
        """Write what waits now.

        Raises:
            ReidError: When the store did not take it; notes stay, recorders are told.
        """
        while True:
            with self._lock:
                batch = [self._waiting.popleft() for _ in range(self._next_batch())]
                missing, self._missing = self._missing, 0
            if not batch and not missing:
                return
            entries = [one.entry for one in batch]
            try:
                self._store.audit([*entries, *self._about_missing(missing)])
            except ReidError as error:
                self._put_back(batch, missing)
                _tell(batch, error)
                raise
            _tell(batch, None)

    def _next_batch(self) -> int:
        return min(len(self._waiting), _MOST_AT_ONCE)

    def _put_back(self, batch: list[_Waiting], missing: int) -> None:
        """Notes wait for the store to come back, before those that came after them."""
        with self._lock:
            self._waiting.extendleft(one for one in reversed(batch) if one.written is None)
            self._missing += missing

    def _entry(self, caller: Caller, deed: Deed) -> AuditEntry:
        return AuditEntry(
            at_s=self._clock(),
            actor=caller.actor,
            action=deed.action,
            gallery=deed.gallery,
            subject=deed.subject,
            purpose=caller.purpose,
            request_id=caller.request_id,
            count=deed.count,
        )

    def _about_missing(self, count: int) -> list[AuditEntry]:
        if not count:
            return []
        gap = Deed(MISSING, gallery="", count=count)
        return [self._entry(Caller("service"), gap)]


def _tell(batch: list[_Waiting], error: ReidError | None) -> None:
    """Tell those who wait for their entry what became of it."""
    for one in batch:
        if one.written is None or not one.written.set_running_or_notify_cancel():
            continue
        if error is None:
            one.written.set_result(None)
        else:
            one.written.set_exception(error)


def _full(most_waiting: int) -> Overloaded:
    return Overloaded(
        expected=f"at most {most_waiting} audit entries waiting for the store",
        received="one more",
        remedy="send the request again later",
        retry_after_s=1,
    )


def _closed() -> StoreUnavailable:
    return StoreUnavailable(
        expected="an open audit log",
        received="a request while the service stops",
        remedy="send the request again later",
        retry_after_s=1,
    )
