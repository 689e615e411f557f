"""The gallery store in one SQLite file: rows, log and state of a write in one transaction."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from service.gallery.directory_lock import DirectoryLock
from service.gallery.gallery_errors import StoreUnavailable
from service.gallery.stores import (
    sqlite_catalogue,
    sqlite_erasures,
    sqlite_log,
    sqlite_rows,
)
from service.gallery.stores.audit_entry import AuditEntry
from service.gallery.stores.batch import Batch, Written
from service.gallery.stores.erasure_receipt import ErasureReceipt
from service.gallery.stores.log_chain import LogEntry
from service.gallery.stores.protocol import (
    GalleryInfo,
    GallerySpec,
    GalleryState,
    ReplicaMark,
)
from service.gallery.stores.row_codec import StoredRow
from service.gallery.stores.sqlite_connections import Connections, closed_store
from service.gallery.stores.sqlite_galleries import held_gallery
from service.gallery.stores.sqlite_reserved_writes import ReservedWrites

_ROWS_IN_A_PIECE = 1024


@dataclass(frozen=True, slots=True)
class _Held:
    """What an open store holds."""

    writes: ReservedWrites
    inode: int


class SqliteGalleryStore:
    """A `GalleryStore` in a file; the directory of the file is locked while it is open.

    Args:
        path: The database file; it and its directory are created when missing.
        clock: The time in Unix seconds.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock
        self._lock: DirectoryLock | None = None
        self._held: _Held | None = None
        self._specs: dict[str, GallerySpec] = {}
        self._commits = 0
        self._committed = threading.Condition()

    def open(self) -> None:
        """Take the file into use, for this process alone."""
        self._lock = DirectoryLock(self._path.parent)
        try:
            writes = ReservedWrites(self._path, now_s=self.now_s())
            self._held = _Held(writes, self._path.stat().st_ino)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give it back; closing what is not open does nothing."""
        if self._held is not None:
            self._held.writes.connections.close()
            self._held = None
        self._announce()
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def now_s(self) -> float:
        """The clock of this machine in Unix seconds."""
        return self._clock()

    def check(self) -> None:
        """Read from the file, and see that it is still the one in its place."""
        with self._connections.reading() as database:
            database.execute("SELECT count(*) FROM galleries").fetchone()
        if not self._path.exists() or self._path.stat().st_ino != self._opened().inode:
            raise StoreUnavailable(
                expected=f"the database at {self._path} that was opened",
                received="none, or another file in its place",
                remedy="put the file back, and start the service again",
            )

    # The catalogue.

    def create_gallery(self, name: str, spec: GallerySpec) -> GalleryInfo:
        """Create an empty gallery; one of this name and the same specification stays as it is."""
        now_s = self.now_s()
        return self._writes.run(
            lambda database: sqlite_catalogue.create(database, name, spec, now_s=now_s)
        )

    def galleries(self) -> tuple[GalleryInfo, ...]:
        """Every gallery, by name."""
        with self._connections.reading() as database:
            return sqlite_catalogue.infos(database)

    def drop_gallery(self, gallery_id: str) -> None:
        """Delete a gallery, its log and its aliases."""
        connections = self._connections

        def work(database: sqlite3.Connection) -> None:
            sqlite_catalogue.drop(database, gallery_id)
            connections.has_remains = True

        self._writes.run(work)
        self._announce()

    def give_up_gallery(self, gallery_id: str) -> None:
        """Remember a gallery that the store has lost as one that was dropped."""
        self._writes.run(lambda database: sqlite_catalogue.give_up(database, gallery_id))

    def was_dropped(self, gallery_id: str) -> bool:
        """Whether a gallery of this id was dropped; a store that lost everything says no."""
        with self._connections.reading() as database:
            return sqlite_catalogue.was_dropped(database, gallery_id)

    def aliases(self) -> dict[str, str]:
        """From alias to gallery id."""
        with self._connections.reading() as database:
            return sqlite_catalogue.aliases(database)

    def set_alias(self, alias: str, gallery_id: str | None) -> None:
        """Point the alias at a gallery, in one step; None removes it."""
        self._writes.run(lambda database: sqlite_catalogue.set_alias(database, alias, gallery_id))

    # Rows.

    def state(self, gallery_id: str) -> GalleryState:
        """Where the gallery stands after its last write."""
        with self._connections.reading() as database:
            return held_gallery(database, gallery_id).state

    def write(self, gallery_id: str, batch: Batch) -> Written:
        """Make all changes of the batch durable, or none."""
        spec, now_s = self._spec(gallery_id), self.now_s()
        bodies = sqlite_rows.bodies_of(batch, spec, now_s=now_s)
        connections = self._connections

        def work(database: sqlite3.Connection) -> Written:
            gallery = held_gallery(database, gallery_id)
            made = sqlite_rows.write(database, gallery, batch, bodies=bodies, now_s=now_s)
            # Here, where no purge can come between this and the end of the transaction.
            connections.has_remains |= not {"replaced", "deleted"}.isdisjoint(made.outcomes)
            return made

        make = self._writes.enroll if bodies else self._writes.run
        written = make(work, changes=len(batch.changes))
        self._announce()
        return written

    def rows(self, gallery_id: str, tracklet_ids: Sequence[str]) -> list[StoredRow | None]:
        """The current row of each id; None where there is none."""
        with self._connections.reading() as database:
            key = held_gallery(database, gallery_id).key
            return sqlite_rows.find(database, key, tracklet_ids)

    def scan(self, gallery_id: str) -> Iterator[list[StoredRow]]:
        """Every row, in pieces; one that is written meanwhile may come in its old or new form."""
        after = -1
        while True:
            # A state held for the whole scan would keep the write-ahead log from being emptied.
            with self._connections.reading() as database:
                key = held_gallery(database, gallery_id).key
                rows, after = sqlite_rows.piece(database, key, after=after, limit=_ROWS_IN_A_PIECE)
            if not rows:
                return
            yield rows

    # The log.

    def log(
        self, gallery_id: str, *, after: int, limit: int, wait_s: float = 0.0
    ) -> list[LogEntry]:
        """At most `limit` entries that follow write `after`; waits up to `wait_s` for the first."""
        until_s = time.monotonic() + wait_s
        while True:
            commits = self._commits
            with self._connections.reading() as database:
                gallery = held_gallery(database, gallery_id)
                found = sqlite_log.entries(database, gallery, after=after, limit=limit)
            left_s = until_s - time.monotonic()
            if found or left_s <= 0:
                return found
            with self._committed:
                self._committed.wait_for(lambda: self._commits != commits, left_s)  # noqa: B023 called at once

    def entry_hash(self, gallery_id: str, seq: int) -> str | None:
        """The hash of entry `seq`; None when it is not in the log. Of 0, the first hash."""
        with self._connections.reading() as database:
            return sqlite_log.entry_hash(database, held_gallery(database, gallery_id), seq)

    def trim_log(self, gallery_id: str, *, upto: int) -> None:
        """Forget the entries up to and including `upto`."""
        self._writes.run(
            lambda database: sqlite_log.trim(
                database, held_gallery(database, gallery_id), upto=upto
            )
        )

    def mark_replica(self, gallery_id: str, mark: ReplicaMark) -> None:
        """Say how far a reader has come."""
        self._writes.run(
            lambda database: sqlite_log.mark(database, held_gallery(database, gallery_id).key, mark)
        )

    def replicas(self, gallery_id: str) -> tuple[ReplicaMark, ...]:
        """Every reader that has said so."""
        with self._connections.reading() as database:
            return sqlite_log.marks(database, held_gallery(database, gallery_id).key)

    # Forgetting, and the record of it.

    def begin_erasure(self, receipt: ErasureReceipt) -> None:
        """Keep the receipt, and refuse to enroll its identity from now on, in one step."""
        self.save_receipt(receipt)

    def save_receipt(self, receipt: ErasureReceipt) -> None:
        """Replace the receipt; once it is final, its identity may be enrolled again."""
        self._writes.run(
            lambda database: sqlite_erasures.save_receipt(
                database, held_gallery(database, receipt.gallery_id).key, receipt
            )
        )

    def receipts(self, gallery_id: str) -> tuple[ErasureReceipt, ...]:
        """Every receipt of the gallery, oldest first."""
        with self._connections.reading() as database:
            key = held_gallery(database, gallery_id).key
            return sqlite_erasures.receipts(database, key)

    def purge(self) -> None:
        """Return when no byte of a deleted or replaced row is left in the file or its log."""
        self._connections.purge()

    def audit(self, entries: Sequence[AuditEntry]) -> None:
        """Append to the audit log."""
        self._writes.run(lambda database: sqlite_erasures.append_audit(database, entries))

    def audit_entries(self, *, after: str | None, limit: int) -> list[tuple[str, AuditEntry]]:
        """At most `limit` entries, oldest first, each with the position that `after` takes."""
        with self._connections.reading() as database:
            return sqlite_erasures.audit_entries(database, after=after, limit=limit)

    def trim_audit(self, *, before_s: float) -> None:
        """Forget the entries of the audit log that are older than this moment."""
        self._writes.run(lambda database: sqlite_erasures.trim_audit(database, before_s=before_s))

    def _spec(self, gallery_id: str) -> GallerySpec:
        """What was decided for the gallery; it never changes, and ids are never used again."""
        if gallery_id not in self._specs:
            with self._connections.reading() as database:
                self._specs[gallery_id] = held_gallery(database, gallery_id).info.spec
        return self._specs[gallery_id]

    @property
    def _writes(self) -> ReservedWrites:
        return self._opened().writes

    @property
    def _connections(self) -> Connections:
        return self._opened().writes.connections

    def _opened(self) -> _Held:
        held = self._held
        if held is None:
            raise closed_store()
        return held

    def _announce(self) -> None:
        """Wake the readers that wait for the log."""
        with self._committed:
            self._commits += 1
            self._committed.notify_all()
