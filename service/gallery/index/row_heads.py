"""What is known of rows beside their embeddings, put together from the columns."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from service.gallery.index.row_columns import END_KNOWN, START_KNOWN, RowColumns
from service.gallery.index.selection import Part
from service.gallery.index.vocabulary import UNKNOWN, ValueTable, Vocabulary
from service.gallery.records import Attribute, TrackletMetadata


@dataclass(frozen=True, slots=True)
class RowHead:
    """What is known of a row beside its embedding."""

    tracklet_id: str
    metadata: TrackletMetadata
    seq: int
    enrolled_s: float


def read_heads(part: Part, slots: NDArray[np.int64], vocabulary: Vocabulary) -> Iterator[RowHead]:
    """The heads in these slots [n], in their order."""
    columns = part.columns
    # For the few rows of an answer, to take a column of them costs more than each value does.
    seq_at, enrolled_s_at = columns.seq.item, columns.enrolled_s.item
    values = [(name, codes, vocabulary.attribute(name)) for name, codes in part.attributes.items()]
    for slot in slots.tolist():
        attributes = {
            name: table[code]
            for name, codes, table in values
            if (code := codes.item(slot)) != UNKNOWN
        }
        metadata = _metadata(columns, slot, vocabulary, attributes)
        name = part.segment.tracklet_id(slot)
        yield RowHead(name, metadata, seq_at(slot), enrolled_s_at(slot))


def _metadata(
    columns: RowColumns, slot: int, vocabulary: Vocabulary, attributes: Mapping[str, Attribute]
) -> TrackletMetadata:
    """What was checked when it was enrolled; to check it again costs as much as a scan."""
    known, expires_s = columns.times_known.item(slot), columns.expires_s.item(slot)
    metadata = object.__new__(TrackletMetadata)
    fill = object.__setattr__
    fill(metadata, "identity", _text(vocabulary.identities, columns.identity.item(slot)))
    fill(metadata, "camera", _text(vocabulary.cameras, columns.camera.item(slot)))
    fill(metadata, "start_s", columns.begin_s.item(slot) if known & START_KNOWN else None)
    fill(metadata, "end_s", columns.finish_s.item(slot) if known & END_KNOWN else None)
    fill(metadata, "attributes", MappingProxyType(attributes))
    fill(metadata, "expires_s", None if math.isinf(expires_s) else expires_s)
    return metadata


def _text(table: ValueTable, code: int) -> str | None:
    return None if code == UNKNOWN else str(table[code])
