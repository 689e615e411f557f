"""The database file: how it is opened, what is in it, and which files are refused."""

import os
import sqlite3
from pathlib import Path

from service.errors import StoreUnavailable

SCHEMA_VERSION = 1

_APPLICATION_ID = 0x52654944
"""The letters ReID, where `file` and others look for the owner of a SQLite file."""

_BUSY_TIMEOUT_S = 1.0
"""For a backup tool that reads the file; another service is kept out by the directory lock."""

# The embedding comes last: SQLite then finds the other columns without reading through it.
_SCHEMA = """
CREATE TABLE galleries (
    gallery_id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    fingerprint TEXT NOT NULL,
    dimension INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    tracklets INTEGER NOT NULL,
    digest INTEGER NOT NULL
) STRICT;
CREATE TABLE tracklets (
    gallery_id INTEGER NOT NULL REFERENCES galleries,
    tracklet_id TEXT NOT NULL,
    identity TEXT,
    camera TEXT,
    start_s REAL,
    end_s REAL,
    attributes TEXT NOT NULL,
    seq INTEGER NOT NULL,
    enrolled_s REAL NOT NULL,
    checksum INTEGER NOT NULL,
    embedding BLOB NOT NULL,
    PRIMARY KEY (gallery_id, tracklet_id)
) STRICT;
CREATE INDEX tracklets_of_identity ON tracklets (gallery_id, identity) WHERE identity IS NOT NULL;
"""


def open_database(path: Path) -> sqlite3.Connection:
    """Open or create the database for durable writes and for deletes that leave no bytes behind.

    Raises:
        sqlite3.Error: When SQLite cannot.
        StoreUnavailable: When the file belongs to a newer release or to something else.
    """
    # SQLite gives its side files the mode of the main one: biometric data is for its owner alone.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    connection = sqlite3.connect(path, isolation_level=None, timeout=_BUSY_TIMEOUT_S)
    try:
        _require_own_schema(connection, path)
        _configure(connection)
        if _number(connection, "user_version") == 0:
            _create(connection)
        erase_deleted(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def erase_deleted(connection: sqlite3.Connection) -> None:
    """Carry the log into the main file and empty it, so that no deleted row is left in it.

    While another process reads an older state SQLite leaves the log; the next call empties it.
    """
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _require_own_schema(connection: sqlite3.Connection, path: Path) -> None:
    version = _number(connection, "user_version")
    empty = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (0,)
    if empty and version == 0:
        return
    if _number(connection, "application_id") != _APPLICATION_ID:
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


def _configure(connection: sqlite3.Connection) -> None:
    for wanted in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON"):
        connection.execute(f"PRAGMA {wanted}").fetchall()
    connection.execute("PRAGMA foreign_keys = ON")
    if connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        raise StoreUnavailable(
            expected="a file system on which SQLite can keep a write-ahead log",
            received="one that has no shared memory or locks",
            remedy="set REID_DATA_DIR to a directory on a local disk",
        )


def _create(connection: sqlite3.Connection) -> None:
    connection.executescript(
        f"BEGIN IMMEDIATE; {_SCHEMA}"
        f"PRAGMA application_id = {_APPLICATION_ID}; PRAGMA user_version = {SCHEMA_VERSION};"
        "COMMIT;"
    )


def _number(connection: sqlite3.Connection, pragma: str) -> int:
    return int(connection.execute(f"PRAGMA {pragma}").fetchone()[0])
