"""Check values: one per row against damaged bytes, one per gallery against lost or stale rows."""

import hashlib
import json
import zlib

from service.gallery.records import TrackletRecord


def row_checksum(record: TrackletRecord) -> int:
    """CRC-32 over everything that is stored of the record, embedding as little-endian float32."""
    metadata = record.metadata
    described = json.dumps(
        [
            record.tracklet_id,
            metadata.identity,
            metadata.camera,
            metadata.start_s,
            metadata.end_s,
            dict(metadata.attributes),
            record.seq,
            record.enrolled_s,
        ]
    )
    raw = record.embedding.astype("<f4").tobytes()
    return zlib.crc32(raw, zlib.crc32(described.encode()))


def row_digest(tracklet_id: str, seq: int, checksum: int) -> int:
    """64 bits, signed, of one row. The XOR over all rows is the digest of their set."""
    described = f"{tracklet_id}\0{seq}\0{checksum}".encode()
    return int.from_bytes(hashlib.sha256(described).digest()[:8], "big", signed=True)


def record_digest(record: TrackletRecord) -> int:
    """As `row_digest`, of a record whose checksum is not at hand."""
    return row_digest(record.tracklet_id, record.seq, row_checksum(record))
