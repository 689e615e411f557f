"""Packed rows in the database, and one write of them."""

import sqlite3
from collections.abc import Iterable, Sequence

from service.errors import CapacityExceeded, IdentityBeingErased, SeqConflict
from service.gallery.stores.batch import Batch, Change, Delete, Outcome, Upsert, Written
from service.gallery.stores.enrolment import enrolled_body
from service.gallery.stores.log_chain import log_keys
from service.gallery.stores.protocol import GalleryState
from service.gallery.stores.row_codec import (
    DamagedRow,
    IntactRow,
    PackedBody,
    StoredRow,
    pack_row,
    row_digest,
    unpack_row,
)
from service.gallery.stores.sqlite_answers import remember, remembered
from service.gallery.stores.sqlite_catalogue import HeldGallery, advance, signed, unsigned
from service.gallery.stores.sqlite_erasures import is_being_erased
from service.gallery.stores.sqlite_log import append

_COLUMNS = "tracklet_id, seq, digest, packed"

Cells = tuple[object, object, object, object]
Held = dict[str, tuple[int, int]]
"""From the ids of a batch that are held to (seq, digest)."""


def find(
    database: sqlite3.Connection, key: int, tracklet_ids: Sequence[str]
) -> list[StoredRow | None]:
    """The current row of each id; None where there is none."""
    found: list[StoredRow | None] = []
    for tracklet_id in tracklet_ids:
        cells = database.execute(
            f"SELECT {_COLUMNS} FROM packed_rows WHERE gallery_key = ? AND tracklet_id = ?",  # noqa: S608 constant
            (key, tracklet_id),
        ).fetchone()
        found.append(None if cells is None else _stored(cells))
    return found


def piece(
    database: sqlite3.Connection, key: int, *, after: int, limit: int
) -> tuple[list[StoredRow], int]:
    """At most `limit` rows in the order of the file, and where the next piece starts."""
    rows = database.execute(
        f"SELECT row_key, {_COLUMNS} FROM packed_rows "  # noqa: S608 constant
        "WHERE gallery_key = ? AND row_key > ? ORDER BY row_key LIMIT ?",
        (key, after, limit),
    ).fetchall()
    return [_stored(row[1:]) for row in rows], rows[-1][0] if rows else after


def write(
    database: sqlite3.Connection, gallery: HeldGallery, batch: Batch, *, now_s: float
) -> Written:
    """Make all changes of the batch within the transaction that the caller has begun."""
    if batch.idempotency is not None:
        done = remembered(database, gallery.key, batch.idempotency, now_s=now_s)
        if done is not None:
            return done
    held = _held(database, gallery.key, batch.changes)
    _require_seqs(batch.changes, held)
    _require_enrollable(database, gallery.key, batch.changes)
    outcomes = tuple(_outcome(change, held) for change in batch.changes)
    grown = outcomes.count("created") - outcomes.count("deleted")
    _require_room(gallery, grown)
    seq = gallery.state.seq
    if set(outcomes) != {"absent"}:
        seq += 1
        made = [
            change
            for change, outcome in zip(batch.changes, outcomes, strict=True)
            if outcome != "absent"
        ]
        _make(database, gallery, made, held=held, grown=grown, now_s=now_s)
    written = Written(seq, outcomes)
    if batch.idempotency is not None:
        remember(database, gallery.key, batch.idempotency, written, now_s=now_s)
    return written


def _held(database: sqlite3.Connection, key: int, changes: Iterable[Change]) -> Held:
    held: Held = {}
    for change in changes:
        row = database.execute(
            "SELECT seq, digest FROM packed_rows WHERE gallery_key = ? AND tracklet_id = ?",
            (key, change.tracklet_id),
        ).fetchone()
        if row is not None:
            held[change.tracklet_id] = (row[0], unsigned(row[1]))
    return held


def _require_seqs(changes: Iterable[Change], held: Held) -> None:
    wrong = {}
    for change in changes:
        seq = held.get(change.tracklet_id, (0, 0))[0]
        if change.if_seq is not None and change.if_seq != seq:
            wrong[change.tracklet_id] = seq
    if wrong:
        raise SeqConflict(wrong)


def _require_enrollable(database: sqlite3.Connection, key: int, changes: Iterable[Change]) -> None:
    enrolled = {change.metadata.identity for change in changes if isinstance(change, Upsert)}
    for identity in enrolled:
        if identity is not None and is_being_erased(database, key, identity):
            raise IdentityBeingErased(
                expected="identities that nobody is erasing",
                received=repr(identity),
                remedy="wait until the receipt of its erasure is final",
            )


def _require_room(gallery: HeldGallery, grown: int) -> None:
    most = gallery.info.spec.max_tracklets
    if most is not None and grown > 0 and gallery.state.tracklets + grown > most:
        raise CapacityExceeded(
            expected=f"at most {most} tracklets in the gallery",
            received=f"{grown} more than the {gallery.state.tracklets} that it holds",
            remedy="delete tracklets, or enroll into another gallery",
        )


def _outcome(change: Change, held: Held) -> Outcome:
    is_held = change.tracklet_id in held
    if isinstance(change, Delete):
        return "deleted" if is_held else "absent"
    return "replaced" if is_held else "created"


def _make(
    database: sqlite3.Connection,
    gallery: HeldGallery,
    changes: Sequence[Change],
    *,
    held: Held,
    grown: int,
    now_s: float,
) -> None:
    """Rows, log entry and state of the next write."""
    before = gallery.state
    seq, digest = before.seq + 1, before.digest
    logged: list[tuple[str, PackedBody | None]] = []
    put: list[tuple[int, str, int, int, bytes]] = []
    gone: list[tuple[int, str]] = []
    for change in changes:
        name = change.tracklet_id
        digest ^= held.get(name, (0, 0))[1]
        if isinstance(change, Delete):
            gone.append((gallery.key, name))
            logged.append((name, None))
            continue
        body = enrolled_body(change, gallery.info.spec, now_s=now_s)
        of_row = row_digest(name, seq, body.checksum)
        digest ^= of_row
        put.append((gallery.key, name, seq, signed(of_row), pack_row(name, body, seq=seq)))
        logged.append((name, body))
    database.executemany("DELETE FROM packed_rows WHERE gallery_key = ? AND tracklet_id = ?", gone)
    database.executemany(
        f"INSERT INTO packed_rows (gallery_key, {_COLUMNS}) VALUES (?, ?, ?, ?, ?) "  # noqa: S608 constant
        "ON CONFLICT (gallery_key, tracklet_id) DO UPDATE SET "
        "seq = excluded.seq, digest = excluded.digest, packed = excluded.packed",
        put,
    )
    chain = append(database, gallery.key, before, log_keys(logged))
    advance(database, gallery.key, GalleryState(seq, before.tracklets + grown, digest, chain))


def _stored(cells: Cells) -> StoredRow:
    """The row, if it and what is kept beside it are what was written."""
    tracklet_id, seq, digest, packed = cells
    if not (isinstance(tracklet_id, str) and isinstance(packed, bytes)):
        return DamagedRow(str(tracklet_id), "columns of other types than were written")
    row = unpack_row(tracklet_id, packed)
    if isinstance(row, IntactRow) and (row.record.seq, signed(row.digest)) != (seq, digest):
        return DamagedRow(tracklet_id, "its seq or digest differs from the one kept beside it")
    return row
