"""A database file as the first release wrote it; its code is gone, and its files are not."""

import hashlib
import json
import sqlite3
import zlib
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from service.gallery.records import TrackletRecord
from service.gallery.stores.protocol import GalleryModel

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
PRAGMA application_id = 0x52654944;
PRAGMA user_version = 1;
"""


def write_first_release(
    path: Path, galleries: dict[str, tuple[GalleryModel, int, Sequence[TrackletRecord]]]
) -> None:
    """Write galleries, each by name with model, last `seq` and records."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.executescript(_SCHEMA)
        for key, (name, (model, seq, records)) in enumerate(galleries.items(), start=1):
            rows = [_row(record) for record in records]
            digest = 0
            for row in rows:
                digest ^= _digest(row[0], row[6], row[8])
            database.execute(
                "INSERT INTO galleries VALUES (?, ?, ?, ?, ?, ?, ?)",
                (key, name, model.fingerprint, model.dimension, seq, len(rows), digest),
            )
            database.executemany(
                "INSERT INTO tracklets VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [(key, *row) for row in rows],
            )


def _row(record: TrackletRecord) -> tuple:
    known = record.metadata
    described = [
        record.tracklet_id,
        known.identity,
        known.camera,
        known.start_s,
        known.end_s,
        dict(known.attributes),
        record.seq,
        record.enrolled_s,
    ]
    raw = record.embedding.astype(np.dtype("<f4")).tobytes()
    checksum = zlib.crc32(raw, zlib.crc32(json.dumps(described).encode()))
    return (*described[:5], json.dumps(described[5]), *described[6:], checksum, raw)


def _digest(tracklet_id: str, seq: int, checksum: int) -> int:
    described = f"{tracklet_id}\0{seq}\0{checksum}".encode()
    return int.from_bytes(hashlib.sha256(described).digest()[:8], "big", signed=True)
