"""No byte of what was deleted or replaced stays in the database file or its write-ahead log."""

import sqlite3

from service.gallery.gallery_errors import StoreUnavailable


def purge(database: sqlite3.Connection) -> None:
    """Rewrite the file and empty its log, so that they hold what is stored and nothing else.

    `secure_delete` alone does not do: where SQLite moves rows from one page to another, copies of
    them stay behind between the rows of the first.

    Raises:
        StoreUnavailable: While another program reads an older state of the file.
    """
    database.execute("VACUUM")
    if not empty_log(database):
        raise StoreUnavailable(
            expected="a database file that no other program reads",
            received="one that another program has been reading for seconds",
            remedy="end that program, for example a backup, and try again",
        )


def empty_log(database: sqlite3.Connection) -> bool:
    """Carry the write-ahead log into the file; False while somebody reads an older state."""
    busy, _, _ = database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy
