"""Packed rows in the database, and one write of them."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import replace

from service.gallery.gallery_errors import CapacityExceeded, IdentityBeingErased, SeqConflict
from service.gallery.stores.batch import Batch, Change, Delete, Outcome, Upsert, Written
from service.gallery.stores.enrolment import enrolled_body
from service.gallery.stores.log_chain import log_keys
from service.gallery.stores.protocol import GallerySpec, GalleryState
from service.gallery.stores.row_codec import (
    HEAD_BYTES,
    DamagedRow,
    IntactRow,
    PackedBody,
    StoredRow,
    digest_of_head,
    pack_row,
    row_digest,
    unpack_row,
)
from service.gallery.stores.sqlite_answers import remember, remembered
from service.gallery.stores.sqlite_erasures import is_being_erased
from service.gallery.stores.sqlite_galleries import HeldGallery, save, signed, unsigned
from service.gallery.stores.sqlite_log import append

_COLUMNS = "tracklet_id, seq, digest, packed"
_ASKED_FOR = (
    # One JSON value, so that one statement serves any number of ids.
    "FROM json_each(?) AS asked CROSS JOIN packed_rows "
    "ON gallery_key = ? AND tracklet_id = asked.value"
)

Cells = tuple[str, int, int, bytes]
Bodies = dict[str, PackedBody]
Held = dict[str, tuple[int, int]]
"""From the ids of a batch that are held to (seq, digest)."""


def find(
    database: sqlite3.Connection, key: int, tracklet_ids: Sequence[str]
) -> list[StoredRow | None]:
    """The current row of each id; None where there is none."""
    rows = database.execute(
        f"SELECT asked.value, seq, digest, packed {_ASKED_FOR}",
        (json.dumps(list(set(tracklet_ids))), key),
    )
    found = {row[0]: _stored(row) for row in rows}
    return [found.get(tracklet_id) for tracklet_id in tracklet_ids]


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


def bodies_of(batch: Batch, spec: GallerySpec, *, now_s: float) -> Bodies:
    """The body of each row that the batch puts, by id."""
    return {
        change.tracklet_id: enrolled_body(change, spec, now_s=now_s)
        for change in batch.changes
        if isinstance(change, Upsert)
    }


def write(
    database: sqlite3.Connection,
    gallery: HeldGallery,
    batch: Batch,
    *,
    bodies: Bodies,
    now_s: float,
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
    made = [
        change.tracklet_id
        for change, outcome in zip(batch.changes, outcomes, strict=True)
        if outcome != "absent"
    ]
    if made:
        seq += 1
        state = _made(database, gallery, made, bodies=bodies, held=held)
        save(database, replace(gallery, state=state))
    written = Written(seq, outcomes)
    if batch.idempotency is not None:
        remember(database, gallery.key, batch.idempotency, written, now_s=now_s)
    return written


def _held(database: sqlite3.Connection, key: int, changes: Iterable[Change]) -> Held:
    names = json.dumps([change.tracklet_id for change in changes])
    columns = f"asked.value, seq, digest, substr(CAST(packed AS BLOB), 1, {HEAD_BYTES})"
    rows = database.execute(f"SELECT {columns} {_ASKED_FOR}", (names, key))
    return {
        name: (seq, digest_of_head(name, head, kept=unsigned(digest)))
        for name, seq, digest, head in rows
    }


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
    if most is not None and gallery.state.tracklets + grown > most:
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


def _made(
    database: sqlite3.Connection,
    gallery: HeldGallery,
    names: Sequence[str],
    *,
    bodies: Bodies,
    held: Held,
) -> GalleryState:
    """Rows and log entry of the next write, and the state after it; rows without a body go."""
    before = gallery.state
    seq, digest, grown = before.seq + 1, before.digest, 0
    put: list[tuple[int, str, int, int, bytes]] = []
    for name in names:
        digest ^= held.get(name, (0, 0))[1]
        grown += (name in bodies) - (name in held)
        if name in bodies:
            of_row = row_digest(name, seq, bodies[name].checksum)
            digest ^= of_row
            packed = pack_row(name, bodies[name], seq=seq)
            put.append((gallery.key, name, seq, signed(of_row), packed))
    database.executemany(
        "DELETE FROM packed_rows WHERE gallery_key = ? AND tracklet_id = ?",
        [(gallery.key, name) for name in names if name not in bodies],
    )
    database.executemany(
        f"INSERT INTO packed_rows (gallery_key, {_COLUMNS}) VALUES (?, ?, ?, ?, ?) "  # noqa: S608 constant
        "ON CONFLICT (gallery_key, tracklet_id) DO UPDATE SET "
        "seq = excluded.seq, digest = excluded.digest, packed = excluded.packed",
        put,
    )
    keys = log_keys([(name, bodies.get(name)) for name in names])
    chain = append(database, gallery.key, before, keys)
    return GalleryState(seq, before.tracklets + grown, digest, chain)


def _stored(cells: Cells) -> StoredRow:
    """The row, if it and what is kept beside it are what was written."""
    tracklet_id, seq, digest, packed = cells
    row = unpack_row(tracklet_id, packed)
    if isinstance(row, IntactRow) and (row.record.seq, signed(row.digest)) != (seq, digest):
        return DamagedRow(tracklet_id, "its seq or digest differs from the one kept beside it")
    return row
