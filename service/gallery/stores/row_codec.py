"""A tracklet as bytes: what every store keeps of it, with its own proof of being intact.

    version 1 | seq 8 | digest 8 | checksum 4 | body

The body (enrolled, lengths, metadata as JSON, embedding as float16) is made by the writer. The
store, which alone knows the `seq` of a write, puts the head in front of it. All integers are
little-endian. The checksum is the CRC-32 of the body; the digest covers id, seq and checksum, so
that a flipped bit anywhere is found.
"""

import hashlib
import json
import struct
import zlib
from dataclasses import dataclass

import numpy as np
import orjson
from numpy.typing import NDArray

from service.errors import ReidError
from service.gallery.records import TrackletMetadata, TrackletRecord

ROW_VERSION = 1
DIGEST_BYTES = 8

_HEAD = struct.Struct("<BQ8sI")
_BODY = struct.Struct("<dII")
HEAD_BYTES = _HEAD.size
_COMPACT = json.JSONEncoder(separators=(",", ":"))
"""Made once: `json.dumps` with separators makes another at each call."""


@dataclass(frozen=True, slots=True)
class PackedBody:
    """The body of a row and its CRC-32."""

    raw: bytes
    checksum: int


@dataclass(frozen=True, slots=True)
class DamagedRow:
    """A row that is not what was written; it is served by nothing, and the others are."""

    tracklet_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class IntactRow:
    """A record as it was written, and its digest."""

    record: TrackletRecord
    digest: int


StoredRow = IntactRow | DamagedRow


def pack_body(
    tracklet_id: str,
    embedding: NDArray[np.float32],
    metadata: TrackletMetadata,
    *,
    enrolled_s: float,
) -> PackedBody:
    """The body of one row; the embedding [d], of length 1, is rounded to float16."""
    described = _COMPACT.encode(
        [
            tracklet_id,
            metadata.identity,
            metadata.camera,
            metadata.start_s,
            metadata.end_s,
            metadata.expires_s,
            dict(metadata.attributes),
        ]
    ).encode("ascii")
    fixed = _BODY.pack(enrolled_s, len(described), len(embedding))
    raw = fixed + described + embedding.astype("<f2").tobytes()
    return PackedBody(raw, zlib.crc32(raw))


def pack_row(tracklet_id: str, body: PackedBody, *, seq: int) -> bytes:
    """The whole row of write `seq`."""
    digest = row_digest(tracklet_id, seq, body.checksum)
    raw_digest = digest.to_bytes(DIGEST_BYTES, "big")
    return _HEAD.pack(ROW_VERSION, seq, raw_digest, body.checksum) + body.raw


def row_digest(tracklet_id: str, seq: int, checksum: int) -> int:
    """64 bits of one row. The XOR over all rows of a gallery is the digest of their set."""
    described = f"{tracklet_id}\0{seq}\0{checksum}".encode()
    return int.from_bytes(hashlib.sha1(described, usedforsecurity=False).digest()[:8], "big")


def digest_of_head(tracklet_id: str, head: bytes | None, *, kept: int) -> int:
    """The digest that the set has of a row, though one copy of it or the head may be damaged.

    Args:
        tracklet_id: Of the row.
        head: Its first `HEAD_BYTES`, as far as they are there.
        kept: The copy beside it.
    """
    if head is None or len(head) < HEAD_BYTES:
        return kept
    _, seq, raw_digest, checksum = _HEAD.unpack(head)
    made = row_digest(tracklet_id, seq, checksum)
    return made if made == int.from_bytes(raw_digest, "big") else kept


def unpack_row(tracklet_id: str, raw: bytes) -> StoredRow:
    """The row under this id, if it is what was written.

    The embedding comes back as float32 [d] with the values that float16 could hold, read-only.
    """
    try:
        return _unpacked(tracklet_id, raw)
    except (
        struct.error,
        ReidError,
        TypeError,
        ValueError,
        AttributeError,
        RecursionError,
    ) as error:
        return DamagedRow(tracklet_id, f"{type(error).__name__}: not a row")


def _unpacked(tracklet_id: str, raw: bytes) -> StoredRow:
    version, seq, digest, checksum = _HEAD.unpack_from(raw)
    if version != ROW_VERSION:
        return DamagedRow(tracklet_id, f"version {version}, where {ROW_VERSION} is known")
    body = raw[_HEAD.size :]
    if zlib.crc32(body) != checksum:
        return DamagedRow(tracklet_id, "the checksum does not match")
    expected = row_digest(tracklet_id, seq, checksum)
    if expected.to_bytes(DIGEST_BYTES, "big") != digest:
        return DamagedRow(tracklet_id, "the digest does not match")
    enrolled_s, described_bytes, dimension = _BODY.unpack_from(body)
    start = _BODY.size + described_bytes
    name, identity, camera, start_s, end_s, expires_s, attributes = orjson.loads(
        body[_BODY.size : start]
    )
    embedding = np.frombuffer(body, dtype="<f2", offset=start).astype(np.float32)
    embedding.flags.writeable = False
    if name != tracklet_id or embedding.shape != (dimension,):
        return DamagedRow(tracklet_id, "the row of another tracklet, or cut short")
    metadata = TrackletMetadata(identity, camera, start_s, end_s, attributes, expires_s)
    record = TrackletRecord(tracklet_id, metadata, embedding, seq, enrolled_s)
    return IntactRow(record, expected)
