"""The living rows of a view as plain arrays, for snapshots, and an index made of them again.

Neither direction makes an object per row: a million rows are searchable within seconds.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from service.errors import InvalidInput
from service.gallery.index.gallery_index import SEGMENT_ROWS, GalleryIndex
from service.gallery.index.id_listing import IdListing
from service.gallery.index.id_table import SLOT_BITS, IdTable
from service.gallery.index.recoding import recoded
from service.gallery.index.row_columns import RowColumns
from service.gallery.index.scanner import Scanner, shared_scanner
from service.gallery.index.segment import Segment
from service.gallery.index.selection import Part
from service.gallery.index.view import View
from service.gallery.index.vocabulary import UNKNOWN, ValueTable, Vocabulary
from service.gallery.stores.protocol import GalleryState

CHUNK_ROWS = 16384


@dataclass(frozen=True, eq=False)
class FrozenRows:
    """Everything that `thaw` needs beside the embeddings.

    Attributes:
        state: Of the view.
        dimension: Values of an embedding.
        length_error: How far the length of any embedding is from 1, at most.
        columns: Of the living rows [n]; their `id_end` counts in `ids`.
        attributes: Codes [n] of each attribute, -1 where a row has none.
        ids: UTF-8 of all ids, one behind the other.
        values: JSON of the values that the codes stand for.
    """

    state: GalleryState
    dimension: int
    length_error: float
    columns: RowColumns
    attributes: dict[str, NDArray[np.int32]]
    ids: bytes
    values: str


def freeze(view: View) -> FrozenRows:
    """The living rows of a view, without their embeddings; nothing of rows that are gone."""
    ids = bytearray()
    ends = [np.empty(0, np.int64)]
    for part in view.parts:
        raw, part_ends = _living_ids(part)
        ends.append(part_ends + len(ids))
        ids += raw
    held = _living_columns(view)
    cameras, camera = _recoded(view.vocabulary.cameras, held.camera)
    identities, identity = _recoded(view.vocabulary.identities, held.identity)
    coded = {
        name: _recoded(view.vocabulary.attribute(name), _living_codes(view, name))
        for name in view.vocabulary.attribute_names()
    }
    vocabulary = Vocabulary(
        cameras, identities, {name: table for name, (table, _) in coded.items() if len(table)}
    )
    return FrozenRows(
        view.state,
        view.dimension,
        max((part.segment.length_error for part in view.parts), default=0.0),
        replace(held, camera=camera, identity=identity, id_end=np.concatenate(ends)),
        {name: coded[name][1] for name in vocabulary.attribute_names()},
        bytes(ids),
        _values_of(vocabulary),
    )


def frozen_embeddings(view: View) -> Iterator[NDArray[np.float16]]:
    """Embeddings [n, d] of the living rows in chunks, in the order of `freeze`; no bit is lost."""
    for part in view.parts:
        slots = np.flatnonzero(part.alive)
        for start in range(0, len(slots), CHUNK_ROWS):
            yield part.segment.vectors[slots[start : start + CHUNK_ROWS]].astype(np.float16)


def thaw(
    frozen: FrozenRows,
    embeddings: Iterable[NDArray[np.float16]],
    *,
    scanner: Scanner | None = None,
    segment_rows: Sequence[int] = SEGMENT_ROWS,
) -> GalleryIndex:
    """An index of these rows and their embeddings, which come in chunks [n, d] of any length.

    Raises:
        InvalidInput: When the parts do not fit each other or the digest.
    """
    rows = len(frozen.columns.seq)
    digest = int(np.bitwise_xor.reduce(frozen.columns.digest, initial=np.uint64(0)))
    if (rows, digest) != (frozen.state.tracklets, frozen.state.digest):
        raise _refused(f"{rows} rows, or others than those")
    segments = _segments_for(rows, frozen.dimension, segment_rows)
    _fill_vectors(segments, frozen, embeddings)
    first = 0
    for segment in segments:
        count = min(segment.capacity, rows - first)
        _fill_columns(segment, frozen, slice(first, first + count))
        first += count
    view = View(
        1,
        frozen.state,
        tuple(_whole(segment) for segment in segments),
        frozen.dimension,
        _vocabulary_from(frozen.values),
        _id_table(segments),
        IdListing(),
        scanner or shared_scanner(),
    )
    return GalleryIndex.resumed(view, segment_rows=segment_rows)


def _living_columns(view: View) -> RowColumns:
    """Columns of the living rows; `id_end` still counts in the ids of its segment."""
    held = {name: [array] for name, array in RowColumns.allocated(0).arrays().items()}
    for part in view.parts:
        for name, array in part.columns.arrays().items():
            held[name].append(array[: part.length][part.alive])
    return RowColumns.of({name: np.concatenate(arrays) for name, arrays in held.items()})


def _living_codes(view: View, name: str) -> NDArray[np.int32]:
    held: list[NDArray[np.int32]] = [np.empty(0, np.int32)]
    for part in view.parts:
        codes = part.attributes.get(name)
        if codes is None:
            held.append(np.full(part.living, UNKNOWN, np.int32))
        else:
            held.append(codes[: part.length][part.alive])
    return np.concatenate(held)


def _recoded(table: ValueTable, codes: NDArray[np.int32]) -> tuple[ValueTable, NDArray[np.int32]]:
    kept, [column] = recoded(table, [codes], [np.arange(len(codes))])
    return kept, column


def _living_ids(part: Part) -> tuple[bytes, NDArray[np.int64]]:
    """The ids of the living rows, one behind the other, and where each ends."""
    ends = part.columns.id_end[: part.length]
    lengths = np.diff(ends, prepend=0)
    raw = np.frombuffer(bytes(part.segment.ids[: int(lengths.sum())]), np.uint8)
    return raw[np.repeat(part.alive, lengths)].tobytes(), np.cumsum(lengths[part.alive])


def _values_of(vocabulary: Vocabulary) -> str:
    return json.dumps(
        {
            "cameras": vocabulary.cameras.values(),
            "identities": vocabulary.identities.values(),
            "attributes": {
                name: vocabulary.attribute(name).values() for name in vocabulary.attribute_names()
            },
        },
        separators=(",", ":"),
    )


def _vocabulary_from(values: str) -> Vocabulary:
    read = json.loads(values)
    attributes = {name: ValueTable(held) for name, held in read["attributes"].items()}
    return Vocabulary(ValueTable(read["cameras"]), ValueTable(read["identities"]), attributes)


def _segments_for(rows: int, dimension: int, segment_rows: Sequence[int]) -> list[Segment]:
    """Segments with room for the rows: the smallest that holds all, or as many of the largest."""
    segments: list[Segment] = []
    while rows > 0:
        capacity = next((size for size in segment_rows if size >= rows), segment_rows[-1])
        segments.append(Segment(len(segments), capacity, dimension))
        rows -= capacity
    return segments


def _fill_vectors(
    segments: list[Segment], frozen: FrozenRows, embeddings: Iterable[NDArray[np.float16]]
) -> None:
    filled, rows = 0, frozen.state.tracklets
    first_rows = np.cumsum([0] + [segment.capacity for segment in segments])
    for chunk in embeddings:
        if filled + len(chunk) > rows or chunk.shape[1:] != (frozen.dimension,):
            raise _refused(f"embeddings of shape {list(chunk.shape)} after {filled} of {rows}")
        for segment, first in zip(segments, first_rows, strict=False):
            low, high = max(filled, first), min(filled + len(chunk), first + segment.capacity)
            if low < high:
                segment.vectors[low - first : high - first] = chunk[low - filled : high - filled]
        filled += len(chunk)
    if filled != rows:
        raise _refused(f"{filled} embeddings for {rows} rows")


def _fill_columns(segment: Segment, frozen: FrozenRows, rows: slice) -> None:
    count = rows.stop - rows.start
    read = frozen.columns.arrays()
    for name, array in segment.columns.arrays().items():
        array[:count] = read[name][rows]
    before = frozen.columns.id_start(rows.start)
    segment.columns.id_end[:count] -= before
    segment.ids = bytearray(frozen.ids[before : int(frozen.columns.id_end[rows.stop - 1])])
    for name, codes in frozen.attributes.items():
        segment.attribute_column(name)[:count] = codes[rows]
    segment.length_error = frozen.length_error
    segment.soonest_expiry_s = float(frozen.columns.expires_s[rows].min())
    segment.used = count


def _id_table(segments: list[Segment]) -> IdTable:
    hashes = [segment.columns.id_hash[: segment.used] for segment in segments]
    locations = [segment.number << SLOT_BITS | np.arange(segment.used) for segment in segments]
    table = IdTable(
        np.concatenate([np.empty(0, np.uint64), *hashes]),
        np.concatenate([np.empty(0, np.int64), *locations]),
    )
    table.settled_view = 1
    return table


def _whole(segment: Segment) -> Part:
    alive = np.ones(segment.used, dtype=np.bool_)
    alive.flags.writeable = False
    return Part(segment, segment.used, alive, segment.used, segment.columns, segment.attributes)


def _refused(received: str) -> InvalidInput:
    return InvalidInput(
        expected="frozen rows of the number and digest that they name",
        received=received,
        remedy="take an older snapshot, or build the index from the store",
    )
