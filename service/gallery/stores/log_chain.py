"""The log of a gallery: one pointer entry per write, chained by hashes.

An entry names the rows that a write touched, and holds no embedding: a log with embeddings would
double the memory and keep people who have been erased. A reader fetches the current rows, so that a
replay may be repeated and may see later writes early. Each entry's hash covers the one before: a
store that lost its last entries and went on writing cannot be mistaken for the one it was.
"""

import hashlib
import json
from dataclasses import dataclass

from service.gallery.stores.row_codec import PackedBody


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One write.

    Attributes:
        seq: Its number, one more than that of the entry before.
        keys: As `log_keys` wrote them.
        previous: Hash of the entry before, 40 hex digits.
        hash: Of this entry.
    """

    seq: int
    keys: str
    previous: str
    hash: str

    def changes(self) -> tuple[tuple[str, int | None], ...]:
        """Of each tracklet that the write put or deleted: its id and checksum, None if deleted."""
        return tuple((tracklet_id, checksum) for tracklet_id, checksum in json.loads(self.keys))

    def touched(self) -> tuple[str, ...]:
        """Ids of the tracklets that the write put or deleted."""
        return tuple(tracklet_id for tracklet_id, _ in self.changes())

    def continues(self, seq: int, chain: str) -> bool:
        """Whether this is the intact entry that follows write `seq`, whose hash was `chain`."""
        follows = self.seq == seq + 1 and self.previous == chain
        return follows and self.hash == chain_hash(chain, self.seq, self.keys)


def first_hash(gallery_id: str) -> str:
    """The hash that the first entry of a gallery follows."""
    return hashlib.sha1(gallery_id.encode(), usedforsecurity=False).hexdigest()


def chain_hash(previous: str, seq: int, keys: str) -> str:
    """The hash of an entry, 40 hex digits."""
    return hashlib.sha1(f"{previous}|{seq}|{keys}".encode(), usedforsecurity=False).hexdigest()


def log_keys(changes: list[tuple[str, PackedBody | None]]) -> str:
    """JSON of (tracklet id, checksum) for each change, with null for a deletion."""
    return json.dumps(
        [[name, None if body is None else body.checksum] for name, body in changes],
        separators=(",", ":"),
    )
