"""What one search sees: a gallery as it stood after one write. Nothing in it ever changes."""

import heapq
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from service.gallery.filter_tree import Filter
from service.gallery.index.id_table import SLOT_BITS, IdTable
from service.gallery.index.nearest import RowSearch
from service.gallery.index.rescoring import RowReader, Rows, Vectors
from service.gallery.index.row_heads import RowHead, read_heads
from service.gallery.index.scanner import Scanner
from service.gallery.index.segment import id_hash
from service.gallery.index.selection import Part, Selection, select_in_part
from service.gallery.index.vocabulary import Vocabulary
from service.gallery.records import TrackletMetadata
from service.gallery.stores.protocol import GalleryState


@dataclass(frozen=True, slots=True)
class Hit:
    """A row and its cosine similarity to the query, both of one version of the tracklet."""

    tracklet_id: str
    metadata: TrackletMetadata
    similarity: float
    seq: int


@dataclass(frozen=True, eq=False)
class View:
    """Rows of a gallery, numbered through all its segments; any number of threads may read it.

    Attributes:
        number: Larger than that of every earlier view of the index.
        state: After the write that it shows.
        parts: What it sees of each segment.
        dimension: Values of an embedding.
        vocabulary: Of the codes in the segments.
        ids_at: The writer's table of ids.
        scanner: Whose threads search.
    """

    number: int
    state: GalleryState
    parts: tuple[Part, ...]
    dimension: int
    vocabulary: Vocabulary
    ids_at: IdTable
    scanner: Scanner

    @cached_property
    def offsets(self) -> tuple[int, ...]:
        """Row number of the first slot of each part."""
        lengths = [part.length for part in self.parts]
        return tuple(int(first) for first in np.cumsum([0, *lengths])[:-1])

    @cached_property
    def coarse_error(self) -> float:
        """How far `coarse` is from the similarity, at most.

        A float32 sum of d products of two unit vectors is off by at most d roundings of 2**-24;
        four more are for the lengths, the query and the similarity itself. The length of a stored
        embedding is off 1 by what float16 left of it.
        """
        lengths = max((part.segment.length_error for part in self.parts), default=0.0)
        return (self.dimension + 4) * 2.0**-24 * (1 + lengths) + lengths

    def select(self, chosen: Filter, *, now_s: float) -> Selection:
        """The rows that pass the filter and have not expired at `now_s`, in Unix seconds."""
        masks = tuple(select_in_part(part, chosen, self.vocabulary, now_s) for part in self.parts)
        counts = tuple(int(np.count_nonzero(mask)) for mask in masks)
        return Selection(masks, counts, self.offsets)

    def nearest(self, queries: Vectors, selection: Selection, k: int) -> list[list[Hit]]:
        """The k selected rows nearest to each query [b, d].

        Exact: highest similarity first, then smallest id. A similarity does not depend on the other
        queries.

        Raises:
            InvalidEmbedding: When a query has no direction.
        """
        found = self._search.nearest(queries, selection, k)
        if not found:
            return []
        hits = iter(
            self.hits(
                np.concatenate([pairs.rows for pairs in found]),
                np.concatenate([pairs.similarities for pairs in found]),
            )
        )
        return [list(islice(hits, len(pairs))) for pairs in found]

    def coarse(self, query: Vectors, selection: Selection) -> NDArray[np.float32]:
        """Similarities [n] of the selected rows to the query [d], off by at most `coarse_error`."""
        return self._search.coarse(query, selection)

    def exact(self, query: Vectors, rows: Rows) -> NDArray[np.float32]:
        """Similarities [m] of these rows to the query [d]: cosines in float64, rounded once."""
        return self._reader.similarities(query[None], np.zeros(len(rows), np.int64), rows)

    def embeddings(self, rows: Rows) -> Vectors:
        """A copy of the embeddings [m, d] of these rows."""
        return self._reader.embeddings(rows)

    def identity_codes(self, rows: Rows) -> NDArray[np.int32]:
        """A number [m] for the identity of each row; -1 where it is not known."""
        codes = np.empty(len(rows), np.int32)
        for part, slots, places in self._reader.located(rows):
            codes[places] = part.segment.columns.identity[slots]
        return codes

    def identity_of(self, code: int) -> str | None:
        """The identity that has this code."""
        return None if code < 0 else str(self.vocabulary.identities[code])

    def hits(self, rows: Rows, similarities: NDArray[np.float32]) -> list[Hit]:
        """These rows with these similarities [m], in the order given."""
        return [
            Hit(head.tracklet_id, head.metadata, similarity, head.seq)
            for head, similarity in zip(self.heads(rows), similarities.tolist(), strict=True)
        ]

    def heads(self, rows: Rows) -> list[RowHead]:
        """Ids, metadata and seq of these rows, in the order given."""
        found: list[RowHead | None] = [None] * len(rows)
        for part, slots, places in self._reader.located(rows):
            heads = read_heads(part.segment, slots, self.vocabulary)
            for place, head in zip(places.tolist(), heads, strict=True):
                found[place] = head
        return [head for head in found if head is not None]

    def ids(self, selection: Selection) -> list[str]:
        """Ids of the selected rows, in the order of their rows."""
        return self.ids_of(selection.rows())

    def ids_of(self, rows: Rows) -> list[str]:
        """Ids of these rows, in the order given."""
        return self._reader.ids(rows)

    def digest_of(self, rows: Rows) -> int:
        """XOR of the digests of these rows."""
        digest = np.uint64(0)
        for part, slots, _ in self._reader.located(rows):
            digest ^= np.bitwise_xor.reduce(part.segment.columns.digest[slots])
        return int(digest)

    def record_head(self, tracklet_id: str) -> RowHead | None:
        """What is known of a tracklet; None where it is not held."""
        row = self.row_of(tracklet_id)
        return None if row is None else self.heads(np.array([row]))[0]

    def row_of(self, tracklet_id: str) -> int | None:
        """The row of a tracklet; None where it is not held."""
        hashed = id_hash(tracklet_id)
        settled = self.ids_at.settled_view
        for location in self.ids_at.candidates(tracklet_id, hashed):
            row = self._row_at(location, tracklet_id)
            if row is not None:
                return row
        if settled == self.number == self.ids_at.settled_view:
            return None
        return self._searched_row(tracklet_id, hashed)

    def page(self, chosen: Filter, *, after: str | None, limit: int, now_s: float) -> list[str]:
        """The first `limit` ids, in order, that pass the filter and come after `after`."""
        ids = self.ids(self.select(chosen, now_s=now_s))
        return heapq.nsmallest(limit, (name for name in ids if after is None or name > after))

    @cached_property
    def _reader(self) -> RowReader:
        return RowReader(self.parts, self.offsets, self.dimension)

    @cached_property
    def _search(self) -> RowSearch:
        return RowSearch(self.parts, self._reader, self.scanner, self.coarse_error)

    def _row_at(self, location: int, tracklet_id: str) -> int | None:
        number, slot = location >> SLOT_BITS, location & ((1 << SLOT_BITS) - 1)
        for part, first in zip(self.parts, self.offsets, strict=True):
            if part.segment.number == number and slot < part.length and part.alive[slot]:
                held = part.segment.tracklet_id(slot) == tracklet_id
                return first + slot if held else None
        return None

    def _searched_row(self, tracklet_id: str, hashed: int) -> int | None:
        """The row found without the table, which has moved on since this view was made."""
        for part, first in zip(self.parts, self.offsets, strict=True):
            hashes = part.segment.columns.id_hash[: part.length]
            for slot in np.flatnonzero((hashes == np.uint64(hashed)) & part.alive).tolist():
                if part.segment.tracklet_id(slot) == tracklet_id:
                    return first + slot
        return None
