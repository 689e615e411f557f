"""A block of rows in memory, allocated once. One thread fills unused slots; nothing else changes.

A row lies in the same slot of every array of its segment. What a slot holds is settled before a
view shows it, so a reader needs no lock.
"""

import hashlib
import math

import numpy as np
from numpy.typing import NDArray

from service.gallery.index.anonymous_memory import zeros
from service.gallery.index.row_columns import END_KNOWN, START_KNOWN, RowColumns
from service.gallery.index.vocabulary import UNKNOWN, ValueTable, Vocabulary
from service.gallery.records import TrackletMetadata
from service.gallery.stores.row_codec import IntactRow


class Segment:
    """Rows of embeddings float32 [capacity, d] and their metadata.

    Args:
        number: Different for every segment of an index.
        capacity: Rows it has room for.
        dimension: Values of an embedding.
    """

    def __init__(self, number: int, capacity: int, dimension: int) -> None:
        self.number = number
        self.capacity = capacity
        self.vectors: NDArray[np.float32] = zeros((capacity, dimension), np.float32)
        self.columns = RowColumns.allocated(capacity)
        self.attributes: dict[str, NDArray[np.int32]] = {}
        self.ids = bytearray()
        self.used = 0
        self._wide = np.zeros(dimension)
        self.length_error = 0.0
        """How far the length of any embedding is from 1, at most."""
        self.soonest_expiry_s = math.inf

    @property
    def dimension(self) -> int:
        """Values of an embedding."""
        return int(self.vectors.shape[1])

    @property
    def is_full(self) -> bool:
        """Whether no slot is unused."""
        return self.used == self.capacity

    def append(self, row: IntactRow, vocabulary: Vocabulary) -> int:
        """Fill the next unused slot, and return it."""
        slot, record, metadata = self.used, row.record, row.record.metadata
        self.vectors[slot] = record.embedding
        self._note_length(record.embedding)
        self.ids += record.tracklet_id.encode()
        columns = self.columns
        columns.camera[slot] = _code(vocabulary.cameras, metadata.camera)
        columns.identity[slot] = _code(vocabulary.identities, metadata.identity)
        begin_s, finish_s = metadata.interval_s() or (math.nan, math.nan)
        columns.begin_s[slot], columns.finish_s[slot] = begin_s, finish_s
        columns.times_known[slot] = _times_known(metadata)
        columns.expires_s[slot] = math.inf if metadata.expires_s is None else metadata.expires_s
        columns.enrolled_s[slot] = record.enrolled_s
        columns.seq[slot] = record.seq
        columns.digest[slot] = row.digest
        columns.id_hash[slot] = id_hash(record.tracklet_id)
        columns.id_end[slot] = len(self.ids)
        for name, value in metadata.attributes.items():
            self.attribute_column(name)[slot] = vocabulary.assign_attribute(name, value)
        if metadata.expires_s is not None:
            self.soonest_expiry_s = min(self.soonest_expiry_s, metadata.expires_s)
        self.used = slot + 1
        return slot

    def copy_rows(self, other: "Segment", slots: NDArray[np.int64]) -> None:
        """Fill the next unused slots with rows [n] of another segment of the same vocabulary."""
        mine = slice(self.used, self.used + len(slots))
        self.vectors[mine] = other.vectors[slots]
        theirs = other.columns.arrays()
        for name, column in self.columns.arrays().items():
            column[mine] = theirs[name][slots]
        raw_ids = [other.raw_id(slot) for slot in slots.tolist()]
        self.columns.id_end[mine] = len(self.ids) + np.cumsum([len(raw) for raw in raw_ids])
        self.ids += b"".join(raw_ids)
        for name, codes in other.attributes.items():
            self.attribute_column(name)[mine] = codes[slots]
        self.length_error = max(self.length_error, other.length_error)
        self.soonest_expiry_s = min(self.soonest_expiry_s, other.soonest_expiry_s)
        self.used += len(slots)

    def attribute_column(self, name: str) -> NDArray[np.int32]:
        """The codes [capacity] of an attribute, for writing."""
        if name not in self.attributes:
            column = zeros((self.capacity,), np.int32)
            column[:] = UNKNOWN
            # A new dictionary: a reader may be going through the old one.
            self.attributes = {**self.attributes, name: column}
        return self.attributes[name]

    def raw_id(self, slot: int) -> bytes:
        """The id in a slot, as UTF-8."""
        return bytes(self._id_in(slot))

    def tracklet_id(self, slot: int) -> str:
        """The id in a slot."""
        return self._id_in(slot).decode()

    def _id_in(self, slot: int) -> bytearray:
        return self.ids[self.columns.id_start(slot) : self.columns.id_end.item(slot)]

    def _note_length(self, embedding: NDArray[np.float32]) -> None:
        np.copyto(self._wide, embedding)
        length = math.sqrt(float(self._wide @ self._wide))
        # What is left of a deleted row must be overwritten here too, so nothing is left at once.
        self._wide.fill(0)
        self.length_error = max(self.length_error, abs(length - 1))

    def forget(self, slots: NDArray[np.int64]) -> None:
        """Overwrite what these slots held; for slots that no view shows."""
        self.vectors[slots] = 0
        for slot in slots.tolist():
            start, end = self.columns.id_start(slot), int(self.columns.id_end[slot])
            self.ids[start:end] = bytes(end - start)
        for name, column in self.columns.arrays().items():
            if name != "id_end":
                column[slots] = 0
        for codes in self.attributes.values():
            codes[slots] = UNKNOWN


def id_hash(tracklet_id: str) -> int:
    """64 bits that nearly always differ for two ids; they are compared before the ids are."""
    return int.from_bytes(hashlib.blake2b(tracklet_id.encode(), digest_size=8).digest(), "little")


def _code(table: ValueTable, value: str | None) -> int:
    return UNKNOWN if value is None else table.assign(value)


def _times_known(metadata: TrackletMetadata) -> int:
    start = 0 if metadata.start_s is None else START_KNOWN
    return start | (0 if metadata.end_s is None else END_KNOWN)
