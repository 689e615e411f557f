"""What is known of rows beside their embeddings, put together from the columns."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from service.gallery.index.row_columns import END_KNOWN, START_KNOWN
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
    """The heads in these slots [n], in their order; column by column, for many rows at once."""
    columns = part.columns
    numbers = zip(
        columns.camera[slots].tolist(),
        columns.identity[slots].tolist(),
        columns.begin_s[slots].tolist(),
        columns.finish_s[slots].tolist(),
        columns.times_known[slots].tolist(),
        columns.expires_s[slots].tolist(),
        strict=True,
    )
    attributes = _attributes(part, slots, vocabulary)
    seqs, enrolled_s = columns.seq[slots].tolist(), columns.enrolled_s[slots].tolist()
    for number, (camera, identity, begin_s, finish_s, known, expires_s) in enumerate(numbers):
        metadata = _unchecked(
            identity=_text(vocabulary.identities, identity),
            camera=_text(vocabulary.cameras, camera),
            start_s=begin_s if known & START_KNOWN else None,
            end_s=finish_s if known & END_KNOWN else None,
            attributes=MappingProxyType(attributes[number]),
            expires_s=None if math.isinf(expires_s) else expires_s,
        )
        name = part.segment.tracklet_id(int(slots[number]))
        yield RowHead(name, metadata, seqs[number], enrolled_s[number])


def _unchecked(**known: object) -> TrackletMetadata:
    """Metadata that was checked when it was enrolled; to check it again costs as much as a scan."""
    metadata = object.__new__(TrackletMetadata)
    for name, value in known.items():
        object.__setattr__(metadata, name, value)
    return metadata


def _attributes(
    part: Part, slots: NDArray[np.int64], vocabulary: Vocabulary
) -> list[dict[str, Attribute]]:
    held: list[dict[str, Attribute]] = [{} for _ in range(len(slots))]
    for name, codes in part.attributes.items():
        values = vocabulary.attribute(name)
        for number, code in enumerate(codes[slots].tolist()):
            if code != UNKNOWN:
                held[number][name] = values[code]
    return held


def _text(table: ValueTable, code: int) -> str | None:
    return None if code == UNKNOWN else str(table[code])
