"""No byte of what was deleted or replaced stays in the database file or its write-ahead log."""

import sqlite3

from service.errors import StoreUnavailable


def purge(database: sqlite3.Connection) -> None:
    """Carry the write-ahead log into the file and empty it.

    Raises:
        StoreUnavailable: While another program reads an older state of the file.
    """
    busy, _, _ = database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise StoreUnavailable(
            expected="a database file that no other program reads",
            received="one that another program has been reading for seconds",
            remedy="end that program, for example a backup, and try again",
        )
