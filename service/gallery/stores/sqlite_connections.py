"""Connections to one database file: a single writer, and readers that never wait for it."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from service.errors import ReidError
from service.gallery.failpoints import failpoint
from service.gallery.gallery_errors import CapacityExceeded, OutcomeUnknown, StoreUnavailable
from service.gallery.stores.sqlite_damage import damaged
from service.gallery.stores.sqlite_migration import migrate
from service.gallery.stores.sqlite_purge import empty_log, purge
from service.gallery.stores.sqlite_schema import connect, open_database

_RETRY_AFTER_S = 5
_MOST_IDLE_READERS = 16
_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class Connections:
    """The connections of an open store; any thread may use them.

    Attributes:
        has_remains: Rows may have been deleted or replaced since the file was last rewritten.

    Args:
        path: The database file, created when missing.
        now_s: The clock, for what an earlier release did not note.

    Raises:
        StoreUnavailable: When it cannot be opened.
    """

    def __init__(self, path: Path, *, now_s: float) -> None:
        self.has_remains = True
        self._path = path
        self._closed = False
        self._writing = threading.Lock()
        self._readers: list[sqlite3.Connection] = []
        self._handing_out = threading.Lock()
        with reporting():
            self._writer = open_database(path)
            try:
                if migrate(self._writer, now_s=now_s):
                    purge(self._writer)
                empty_log(self._writer)
            except BaseException:
                self._writer.close()
                raise

    def close(self) -> None:
        """Close what is idle now, and what is in use as soon as it is given back."""
        with self._writing, self._handing_out:
            self._closed = True
            while self._readers:
                self._readers.pop().close()
            self._writer.close()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: all of the body on disk at its end, or nothing of it."""
        with self._writing, reporting():
            self._require_open()
            database = self._writer
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
                _commit(database)
            finally:
                # SQLite has rolled back by itself after some errors and not after others.
                if database.in_transaction:
                    database.execute("ROLLBACK")

    def purge(self) -> None:
        """Return when no byte of a deleted or replaced row is left in the file or its log."""
        with self._writing, reporting():
            self._require_open()
            if self.has_remains:
                purge(self._writer)
                self.has_remains = False

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One consistent state of the database; keep it short, since it holds back the log."""
        with reporting():
            database = self._reader()
            try:
                database.execute("BEGIN")
                yield database
            finally:
                self._give_back(database)

    def _reader(self) -> sqlite3.Connection:
        with self._handing_out:
            self._require_open()
            if self._readers:
                return self._readers.pop()
        return connect(self._path)

    def _give_back(self, database: sqlite3.Connection) -> None:
        if database.in_transaction:
            database.execute("ROLLBACK")
        with self._handing_out:
            if self._closed or len(self._readers) >= _MOST_IDLE_READERS:
                database.close()
            else:
                self._readers.append(database)

    def _require_open(self) -> None:
        if self._closed:
            raise closed_store()


def closed_store() -> StoreUnavailable:
    """The error of a call before `open` or after `close`."""
    return StoreUnavailable(
        expected="an open store",
        received="one that is closed",
        remedy="start the service again",
    )


def full_disk() -> CapacityExceeded:
    """The error of a write for which there is no space."""
    return CapacityExceeded(
        expected="space on the disk of the database",
        received="a full one; nothing was written",
        remedy="free space on the disk, or delete tracklets, and send the request again",
    )


@contextmanager
def reporting() -> Iterator[None]:
    """Say in the service's words what SQLite could not do."""
    try:
        yield
    except (sqlite3.Error, OSError, UnicodeDecodeError) as error:
        # The last where SQLite quotes damaged bytes in its message.
        raise _reported(error) from error


def _reported(error: Exception) -> ReidError:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return full_disk()
    if code in _DAMAGE or isinstance(error, UnicodeDecodeError):
        return damaged("the database", f"{type(error).__name__}: {error}")
    return StoreUnavailable(
        expected="a database that can be read and written",
        received=f"{type(error).__name__}: {error}",
        remedy="free space on the disk, or check it, and send the request again",
        retry_after_s=_RETRY_AFTER_S,
    )


def _commit(database: sqlite3.Connection) -> None:
    failpoint("sqlite.before_commit")
    try:
        database.execute("COMMIT")
    except sqlite3.Error as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
            raise
        # After a failed sync the log may hold the write, and a restart would then find it there.
        raise OutcomeUnknown(
            expected="a disk that says the write is safe",
            received=f"{type(error).__name__}: {error}",
            remedy="check the disk, and send the request again with the same idempotency key",
            retry_after_s=_RETRY_AFTER_S,
        ) from error
    failpoint("sqlite.committed")
