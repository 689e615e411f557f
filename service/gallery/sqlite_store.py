"""The store in one SQLite file: vector, metadata, sequence and digest in each transaction."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from service.errors import GalleryNotFound, IdentityNotFound, StoreUnavailable, TrackletNotFound
from service.gallery.digest import record_digest, row_digest
from service.gallery.directory_lock import DirectoryLock
from service.gallery.filters import TrackletFilter
from service.gallery.records import TrackletMetadata, TrackletRecord
from service.gallery.sqlite_rows import COLUMNS, condition_of, record_of, row_of
from service.gallery.sqlite_schema import erase_deleted, open_database
from service.gallery.store import Forgotten, GalleryModel, GalleryState, Put

_RETRY_AFTER_S = 5


@dataclass(frozen=True, slots=True)
class _Head:
    """The gallery's own row."""

    gallery_id: int
    model: GalleryModel
    state: GalleryState


class SqliteStore:
    """A `GalleryStore` in a file; the directory of the file is locked while it is open.

    After a delete the bytes of the row are in no file of the directory. Those of a replaced
    embedding leave the main file at once and the log by the next delete or start.

    Args:
        path: The database file; it and its directory are created when missing.
        clock: The time in Unix seconds, for `enrolled_s`.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock
        self._lock: DirectoryLock | None = None
        self._open_connection: sqlite3.Connection | None = None

    def open(self) -> None:
        """Take the store for this process alone.

        Raises:
            StoreUnavailable: When another process has it, it cannot be read or written, or a
                newer release wrote it.
        """
        self._lock = DirectoryLock(self._path.parent)
        try:
            with self._reporting():
                self._open_connection = open_database(self._path)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give the store back; closing what is not open does nothing."""
        if self._open_connection is not None:
            self._open_connection.close()
            self._open_connection = None
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def create_gallery(self, gallery: str, model: GalleryModel) -> None:
        """Create an empty gallery for embeddings of `model`; one that exists stays as it is."""
        with self._transaction() as database:
            database.execute(
                "INSERT INTO galleries (name, fingerprint, dimension, seq, tracklets, digest) "
                "VALUES (?, ?, ?, 0, 0, 0) ON CONFLICT (name) DO NOTHING",
                (gallery, model.fingerprint, model.dimension),
            )

    def model(self, gallery: str) -> GalleryModel:
        """The model whose embeddings the gallery holds."""
        return self._head(gallery).model

    def state(self, gallery: str) -> GalleryState:
        """Where the gallery stands after its last write."""
        return self._head(gallery).state

    def put(
        self,
        gallery: str,
        tracklet_id: str,
        *,
        embedding: NDArray[np.float32],
        metadata: TrackletMetadata,
    ) -> Put:
        """Write embedding [d] and metadata together, in place of any earlier ones."""
        with self._transaction() as database:
            head = self._head(gallery)
            before = head.state
            earlier = self._digests(head, "tracklet_id", tracklet_id)
            record = TrackletRecord(tracklet_id, metadata, embedding, before.seq + 1, self._clock())
            database.execute(
                f"INSERT OR REPLACE INTO tracklets (gallery_id, {COLUMNS}) "  # noqa: S608 constant
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (head.gallery_id, *row_of(record)),
            )
            digests = [*earlier.values(), record_digest(record)]
            self._advance(head, tracklets=1 - len(earlier), digests=digests)
        return Put(record, created=not earlier)

    def get(self, gallery: str, tracklet_id: str) -> TrackletRecord:
        """The record of this id.

        Raises:
            TrackletNotFound: When there is none.
        """
        head = self._head(gallery)
        found = list(self._select(head, "tracklet_id = ?", [tracklet_id]))
        if not found:
            raise _tracklet_not_found(tracklet_id)
        return found[0]

    def delete(self, gallery: str, tracklet_id: str) -> Forgotten:
        """Delete one tracklet; nothing of it can be read from the files any more.

        Raises:
            TrackletNotFound: When there is none; nothing is written.
        """
        forgotten = self._forget(gallery, "tracklet_id", tracklet_id)
        if forgotten is None:
            raise _tracklet_not_found(tracklet_id)
        return forgotten

    def delete_identity(self, gallery: str, identity: str) -> Forgotten:
        """As `delete`, for every tracklet of the identity in one write.

        Raises:
            IdentityNotFound: When there is none; nothing is written.
        """
        forgotten = self._forget(gallery, "identity", identity)
        if forgotten is None:
            raise IdentityNotFound(
                expected="an identity of which the gallery holds a tracklet",
                received=repr(identity),
                remedy="list the gallery's tracklets to see which identities it holds",
            )
        return forgotten

    def page(
        self, gallery: str, chosen: TrackletFilter, *, after: str | None, limit: int
    ) -> tuple[TrackletRecord, ...]:
        """At most `limit` records that pass the filter, by id, from the first id after `after`."""
        condition = condition_of(chosen)
        clause = f"{condition.clause} AND tracklet_id > ? ORDER BY tracklet_id LIMIT ?"
        values = [*condition.values, after or "", limit]
        return tuple(self._select(self._head(gallery), clause, values))

    def records(self, gallery: str) -> Iterator[TrackletRecord]:
        """Every record in the order of the file, each checked against its checksum."""
        return self._select(self._head(gallery), "1 ORDER BY rowid", [])

    def _forget(self, gallery: str, column: str, value: str) -> Forgotten | None:
        with self._transaction() as database:
            head = self._head(gallery)
            digests = self._digests(head, column, value)
            if not digests:
                return None
            database.execute(
                f"DELETE FROM tracklets WHERE gallery_id = ? AND {column} = ?",  # noqa: S608 constant
                (head.gallery_id, value),
            )
            self._advance(head, tracklets=-len(digests), digests=list(digests.values()))
        with self._reporting():
            erase_deleted(self._connection)
        return Forgotten(tuple(digests), head.state.seq + 1)

    def _head(self, gallery: str) -> _Head:
        with self._reporting():
            row = self._connection.execute(
                "SELECT gallery_id, fingerprint, dimension, seq, tracklets, digest "
                "FROM galleries WHERE name = ?",
                (gallery,),
            ).fetchone()
        if row is None:
            raise GalleryNotFound(
                expected="the name of a gallery",
                received=repr(gallery),
                remedy="use the gallery 'default'",
            )
        return _Head(row[0], GalleryModel(row[1], row[2]), GalleryState(row[3], row[4], row[5]))

    def _digests(self, head: _Head, column: str, value: str) -> dict[str, int]:
        """By tracklet id, ascending, of the rows that have `value` in `column`."""
        rows = self._connection.execute(
            "SELECT tracklet_id, seq, checksum FROM tracklets "  # noqa: S608 constant
            f"WHERE gallery_id = ? AND {column} = ? ORDER BY tracklet_id",
            (head.gallery_id, value),
        )
        return {row[0]: row_digest(row[0], row[1], row[2]) for row in rows}

    def _advance(self, head: _Head, *, tracklets: int, digests: list[int]) -> None:
        """Count one more write, which adds `tracklets` rows and toggles `digests`."""
        digest = head.state.digest
        for toggled in digests:
            digest ^= toggled
        self._connection.execute(
            "UPDATE galleries SET seq = ?, tracklets = ?, digest = ? WHERE gallery_id = ?",
            (head.state.seq + 1, head.state.tracklets + tracklets, digest, head.gallery_id),
        )

    def _select(
        self, head: _Head, clause: str, values: list[str | int | float | bytes | None]
    ) -> Iterator[TrackletRecord]:
        with self._reporting():
            rows = self._connection.execute(
                f"SELECT {COLUMNS} FROM tracklets WHERE gallery_id = ? AND {clause}",  # noqa: S608 constant
                (head.gallery_id, *values),
            )
            for row in rows:
                yield record_of(row, head.model.dimension)

    @property
    def _connection(self) -> sqlite3.Connection:
        if self._open_connection is None:
            raise StoreUnavailable(
                expected="an open store",
                received="one that is closed",
                remedy="start the service again",
            )
        return self._open_connection

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All of the body on disk at its end, or nothing of it."""
        with self._reporting():
            database = self._connection
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
                database.execute("COMMIT")
            finally:
                # SQLite has rolled back by itself after some errors and not after others.
                if database.in_transaction:
                    database.execute("ROLLBACK")

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise StoreUnavailable(
                expected="a database that can be read and written",
                received=f"{type(error).__name__}: {error}",
                remedy="free space on the disk, or check it, and send the request again",
                retry_after_s=_RETRY_AFTER_S,
            ) from error


def _tracklet_not_found(tracklet_id: str) -> TrackletNotFound:
    return TrackletNotFound(
        expected="the id of an enrolled tracklet",
        received=repr(tracklet_id),
        remedy="list the gallery's tracklets to see which ids it holds",
    )
