"""The database file: how it is opened, what is in it, and which files are refused."""

import os
import sqlite3
from functools import partial
from pathlib import Path

from service.gallery.gallery_errors import StoreUnavailable

SCHEMA_VERSION = 2

_APPLICATION_ID = 0x52654944
"""The letters ReID, where `file` and others look for the owner of a SQLite file."""

_BUSY_TIMEOUT_S = 5.0
"""For a backup tool that reads the file; another service is kept out by the directory lock."""

# The packed row comes last: SQLite then finds the other columns without reading through it.
_TABLES = (
    """
CREATE TABLE galleries (
    gallery_key INTEGER PRIMARY KEY,
    gallery_id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL UNIQUE,
    created_s REAL NOT NULL,
    fingerprint TEXT NOT NULL,
    dimension INTEGER NOT NULL,
    max_tracklets INTEGER,
    retention_s REAL,
    seq INTEGER NOT NULL,
    tracklets INTEGER NOT NULL,
    digest INTEGER NOT NULL,
    chain TEXT NOT NULL,
    trimmed INTEGER NOT NULL,
    checksum INTEGER NOT NULL
) STRICT""",
    # So that who has a snapshot of it can tell a drop from a database that was lost.
    "CREATE TABLE dropped (gallery_id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID",
    """
CREATE TABLE aliases (
    alias TEXT PRIMARY KEY,
    gallery_key INTEGER NOT NULL REFERENCES galleries ON DELETE CASCADE,
    checksum INTEGER NOT NULL
) STRICT, WITHOUT ROWID""",
    """
CREATE TABLE packed_rows (
    row_key INTEGER PRIMARY KEY,
    gallery_key INTEGER NOT NULL REFERENCES galleries ON DELETE CASCADE,
    tracklet_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    digest INTEGER NOT NULL,
    packed BLOB NOT NULL
) STRICT""",
    "CREATE UNIQUE INDEX rows_by_id ON packed_rows (gallery_key, tracklet_id)",
    # For `scan`: in the order of the file, without reading past the rows of other galleries.
    "CREATE INDEX rows_of_gallery ON packed_rows (gallery_key)",
    """
CREATE TABLE log (
    gallery_key INTEGER NOT NULL REFERENCES galleries ON DELETE CASCADE,
    seq INTEGER NOT NULL,
    keys TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (gallery_key, seq)
) STRICT, WITHOUT ROWID""",
    """
CREATE TABLE answers (
    gallery_key INTEGER NOT NULL REFERENCES galleries ON DELETE CASCADE,
    idempotency_key TEXT NOT NULL,
    request TEXT NOT NULL,
    answer TEXT NOT NULL,
    expires_s REAL NOT NULL,
    PRIMARY KEY (gallery_key, idempotency_key)
) STRICT, WITHOUT ROWID""",
    "CREATE INDEX answers_by_expiry ON answers (expires_s)",
    """
CREATE TABLE replicas (
    gallery_key INTEGER NOT NULL REFERENCES galleries ON DELETE CASCADE,
    replica TEXT NOT NULL,
    snapshot_seq INTEGER NOT NULL,
    applied_seq INTEGER NOT NULL,
    forgotten_seq INTEGER NOT NULL,
    seen_s REAL NOT NULL,
    PRIMARY KEY (gallery_key, replica)
) STRICT, WITHOUT ROWID""",
    """
CREATE TABLE receipts (
    receipt_id TEXT PRIMARY KEY,
    gallery_key INTEGER NOT NULL REFERENCES galleries ON DELETE CASCADE,
    requested_s REAL NOT NULL,
    identity TEXT,
    is_final INTEGER NOT NULL,
    receipt TEXT NOT NULL
) STRICT""",
    "CREATE INDEX receipts_of_gallery ON receipts (gallery_key, requested_s)",
    "CREATE INDEX erasing ON receipts (gallery_key, identity) WHERE NOT is_final",
    """
CREATE TABLE audit (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    at_s REAL NOT NULL,
    entry TEXT NOT NULL
) STRICT""",
    "CREATE INDEX audit_by_time ON audit (at_s)",
)


def connect(path: Path) -> sqlite3.Connection:
    """A connection for durable writes and for deletes that leave no bytes in the pages."""
    connection = sqlite3.connect(
        path, isolation_level=None, timeout=_BUSY_TIMEOUT_S, check_same_thread=False
    )
    # A damaged name must spoil its own row only; no identifier holds the replacement character.
    connection.text_factory = partial(str, encoding="utf-8", errors="replace")
    for wanted in ("synchronous = FULL", "secure_delete = ON", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {wanted}").fetchall()
    return connection


def open_database(path: Path) -> sqlite3.Connection:
    """Open or create the database.

    Raises:
        sqlite3.Error: When SQLite cannot.
        StoreUnavailable: When the file belongs to a newer release or to something else.
    """
    # SQLite gives its side files the mode of the main one: biometric data is for its owner alone.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    connection = connect(path)
    try:
        _require_own_schema(connection, path)
        _require_write_ahead_log(connection)
        if number(connection, "user_version") == 0:
            _create(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def number(connection: sqlite3.Connection, pragma: str) -> int:
    """The value of a pragma that is a number."""
    return int(connection.execute(f"PRAGMA {pragma}").fetchone()[0])


def _require_own_schema(connection: sqlite3.Connection, path: Path) -> None:
    version = number(connection, "user_version")
    empty = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (0,)
    if empty and version == 0:
        return
    if number(connection, "application_id") != _APPLICATION_ID:
        received, remedy = "a database of something else", "set REID_DATA_DIR to another directory"
    elif version > SCHEMA_VERSION:
        received, remedy = f"schema {version}", "start the release that wrote it, or a newer one"
    else:
        return
    raise StoreUnavailable(
        expected=f"a gallery database of schema {SCHEMA_VERSION} at {path}",
        received=received,
        remedy=remedy,
    )


def _require_write_ahead_log(connection: sqlite3.Connection) -> None:
    if connection.execute("PRAGMA journal_mode = WAL").fetchone() != ("wal",):
        raise StoreUnavailable(
            expected="a file system on which SQLite can keep a write-ahead log",
            received="one that has no shared memory or locks",
            remedy="set REID_DATA_DIR to a directory on a local disk",
        )


def create_tables(connection: sqlite3.Connection) -> None:
    """Create every table, within the transaction that the caller has begun."""
    for statement in _TABLES:
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _create(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    create_tables(connection)
    connection.execute("COMMIT")
