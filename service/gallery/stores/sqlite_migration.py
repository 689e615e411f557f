"""What the first release kept in its database file, in the tables of this one."""

import json
import secrets
import sqlite3
import zlib
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from service.errors import ReidError
from service.gallery.records import TrackletMetadata
from service.gallery.stores.log_chain import first_hash
from service.gallery.stores.protocol import GalleryInfo, GalleryModel, GallerySpec, GalleryState
from service.gallery.stores.row_codec import PackedBody, pack_body, pack_row, row_digest
from service.gallery.stores.sqlite_damage import damaged
from service.gallery.stores.sqlite_galleries import HeldGallery, insert, save, signed
from service.gallery.stores.sqlite_schema import create_tables, number

_FIRST_SCHEMA = 1

_OLD_ROWS = """
SELECT tracklet_id, identity, camera, start_s, end_s, attributes, seq, enrolled_s, checksum,
       embedding
FROM tracklets WHERE gallery_id = ?
"""

OldRow = tuple[str, str | None, str | None, float | None, float | None, str, int, float, int, bytes]


def migrate(database: sqlite3.Connection, *, now_s: float) -> bool:
    """Move a database of the first release to this schema, whole or not at all.

    Rows keep their `seq` and galleries theirs; embeddings are rounded to float16, as new ones
    are. The log starts after the last write of the first release, which kept none.

    Args:
        database: Of this schema or the first.
        now_s: When the galleries are said to have been created.

    Returns:
        Whether there was anything to move.

    Raises:
        StoreUnavailable: When a row is not what was written; nothing is moved then.
    """
    if number(database, "user_version") != _FIRST_SCHEMA:
        return False
    database.execute("BEGIN IMMEDIATE")
    try:
        database.execute("ALTER TABLE galleries RENAME TO old_galleries")
        create_tables(database)
        for old in database.execute("SELECT * FROM old_galleries").fetchall():
            _move_gallery(database, old, now_s=now_s)
        database.execute("DROP TABLE tracklets")
        database.execute("DROP TABLE old_galleries")
        database.execute("COMMIT")
    finally:
        if database.in_transaction:
            database.execute("ROLLBACK")
    return True


def _move_gallery(
    database: sqlite3.Connection, old: tuple[int, str, str, int, int, int, int], *, now_s: float
) -> None:
    old_key, name, fingerprint, dimension, seq, tracklets, _ = old
    gallery_id = secrets.token_hex(16)
    spec = GallerySpec(GalleryModel(fingerprint, dimension))
    info = GalleryInfo(gallery_id, name, spec, now_s)
    state = GalleryState(seq, tracklets, 0, first_hash(gallery_id))
    gallery = HeldGallery(0, info, state, trimmed=seq)
    key, digest = insert(database, gallery), 0
    for tracklet_id, row_seq, body in _bodies(database, old_key, dimension):
        of_row = row_digest(tracklet_id, row_seq, body.checksum)
        digest ^= of_row
        database.execute(
            "INSERT INTO packed_rows (gallery_key, tracklet_id, seq, digest, packed) "
            "VALUES (?, ?, ?, ?, ?)",
            (key, tracklet_id, row_seq, signed(of_row), pack_row(tracklet_id, body, seq=row_seq)),
        )
    save(database, replace(gallery, key=key, state=replace(state, digest=digest)))


def _bodies(
    database: sqlite3.Connection, old_key: int, dimension: int
) -> Iterator[tuple[str, int, PackedBody]]:
    """Id, `seq` and body of every row of a gallery of the first release."""
    for row in database.execute(_OLD_ROWS, (old_key,)):
        try:
            yield row[0], row[6], _body(row, dimension)
        except (ReidError, TypeError, ValueError, AttributeError) as error:
            raise damaged(f"the first release's row of write {row[6]!r}") from error


def _body(row: OldRow, dimension: int) -> PackedBody:
    tracklet_id, identity, camera, start_s, end_s, attributes, seq, enrolled_s, checksum, raw = row
    metadata = TrackletMetadata(identity, camera, start_s, end_s, json.loads(attributes))
    embedding = np.frombuffer(raw, dtype="<f4")
    described = [tracklet_id, identity, camera, start_s, end_s, dict(metadata.attributes)]
    text = json.dumps([*described, seq, enrolled_s])
    if embedding.shape != (dimension,) or zlib.crc32(raw, zlib.crc32(text.encode())) != checksum:
        raise ValueError("not what was written")
    return pack_body(tracklet_id, embedding.astype(np.float32), metadata, enrolled_s=enrolled_s)
