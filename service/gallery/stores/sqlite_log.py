"""The chained log in the database, and who has read it how far."""

import sqlite3
from dataclasses import astuple, replace

from service.gallery.gallery_errors import LogTrimmed
from service.gallery.stores.log_chain import LogEntry, chain_hash, first_hash
from service.gallery.stores.protocol import GalleryState, ReplicaMark
from service.gallery.stores.sqlite_galleries import HeldGallery, save

_REPLICA = "replica, snapshot_seq, applied_seq, forgotten_seq, seen_s"


def append(database: sqlite3.Connection, key: int, before: GalleryState, keys: str) -> str:
    """Write the entry that follows the state, and return its hash."""
    seq = before.seq + 1
    chain = chain_hash(before.chain, seq, keys)
    database.execute(
        "INSERT INTO log (gallery_key, seq, keys, previous, hash) VALUES (?, ?, ?, ?, ?)",
        (key, seq, keys, before.chain, chain),
    )
    return chain


def entries(
    database: sqlite3.Connection, gallery: HeldGallery, *, after: int, limit: int
) -> list[LogEntry]:
    """At most `limit` entries that follow write `after`.

    Raises:
        LogTrimmed: When the entry `after + 1` has been trimmed away.
    """
    if after < gallery.trimmed:
        raise LogTrimmed(
            expected=f"a reader that has seen write {gallery.trimmed} or a later one",
            received=f"one that has seen write {after}; what follows it has been trimmed",
            remedy="read the rows again",
        )
    rows = database.execute(
        "SELECT seq, keys, previous, hash FROM log "
        "WHERE gallery_key = ? AND seq > ? ORDER BY seq LIMIT ?",
        (gallery.key, after, limit),
    )
    return [LogEntry(*row) for row in rows]


def entry_hash(database: sqlite3.Connection, gallery: HeldGallery, seq: int) -> str | None:
    """The hash of entry `seq`; None when it is not in the log. Of 0, the first hash."""
    if seq == 0:
        return first_hash(gallery.info.gallery_id)
    row = database.execute(
        "SELECT hash FROM log WHERE gallery_key = ? AND seq = ?", (gallery.key, seq)
    ).fetchone()
    return None if row is None else str(row[0])


def trim(database: sqlite3.Connection, gallery: HeldGallery, *, upto: int) -> None:
    """Forget the entries up to and including `upto`."""
    last = min(upto, gallery.state.seq)
    if last <= gallery.trimmed:
        return
    database.execute("DELETE FROM log WHERE gallery_key = ? AND seq <= ?", (gallery.key, last))
    save(database, replace(gallery, trimmed=last))


def mark(database: sqlite3.Connection, key: int, reader: ReplicaMark) -> None:
    """Keep how far the reader has come."""
    database.execute(
        f"INSERT OR REPLACE INTO replicas (gallery_key, {_REPLICA}) VALUES (?, ?, ?, ?, ?, ?)",  # noqa: S608 constant
        (key, *astuple(reader)),
    )


def marks(database: sqlite3.Connection, key: int) -> tuple[ReplicaMark, ...]:
    """Every reader, by name."""
    rows = database.execute(
        f"SELECT {_REPLICA} FROM replicas WHERE gallery_key = ? ORDER BY replica",  # noqa: S608 constant
        (key,),
    )
    return tuple(ReplicaMark(*row) for row in rows)
