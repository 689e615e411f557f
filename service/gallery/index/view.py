"""What one search sees: a gallery as it stood after one write. Nothing in it ever changes."""

import heapq
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from service.errors import InvalidMetadata
from service.gallery.filter_tree import Filter
from service.gallery.index.id_listing import IdListing
from service.gallery.index.id_table import SLOT_BITS, IdTable
from service.gallery.index.nearest import RowSearch
from service.gallery.index.rescoring import RowReader, Rows, Vectors
from service.gallery.index.row_heads import RowHead, read_heads
from service.gallery.index.scanner import Scanner
from service.gallery.index.segment import id_hash
from service.gallery.index.selection import Part, Selection, select_in_part
from service.gallery.index.vocabulary import UNKNOWN, Vocabulary
from service.gallery.records import TrackletMetadata
from service.gallery.stores.protocol import GalleryState

MOST_ATTRIBUTE_NAMES = 128

_NOWHERE = -1
_LEAST_PIECE = 256
_SORTED_PER_WALKED = 8
"""Selected ids are sorted so many times as fast as all ids are walked through in order."""
_MOST_WALKED = 50_000
"""Ids after which those that are selected must all lie at the end: then they are sorted."""


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
        listing: The writer's order of ids.
        scanner: Whose threads search.
    """

    number: int
    state: GalleryState
    parts: tuple[Part, ...]
    dimension: int
    vocabulary: Vocabulary
    ids_at: IdTable
    listing: IdListing
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
            codes[places] = part.columns.identity[slots]
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
            heads = read_heads(part, slots, self.vocabulary)
            for place, head in zip(places.tolist(), heads, strict=True):
                found[place] = head
        return [head for head in found if head is not None]

    def ids(self, selection: Selection) -> list[str]:
        """Ids of the selected rows, in the order of their rows."""
        return self.ids_of(selection.rows())

    def ids_of(self, rows: Rows) -> list[str]:
        """Ids of these rows, in the order given."""
        return self._reader.ids(rows)

    def seqs_of(self, rows: Rows) -> NDArray[np.int64]:
        """The `seq` [m] of each of these rows."""
        seqs = np.empty(len(rows), np.int64)
        for part, slots, places in self._reader.located(rows):
            seqs[places] = part.columns.seq[slots]
        return seqs

    def digest_of(self, rows: Rows) -> int:
        """XOR of the digests of these rows."""
        digest = np.uint64(0)
        for part, slots, _ in self._reader.located(rows):
            digest ^= np.bitwise_xor.reduce(part.columns.digest[slots])
        return int(digest)

    def record_head(self, tracklet_id: str) -> RowHead | None:
        """What is known of a tracklet; None where it is not held."""
        row = self.row_of(tracklet_id)
        return None if row is None else self.heads(np.array([row]))[0]

    def row_of(self, tracklet_id: str) -> int | None:
        """The row of a tracklet; None where it is not held."""
        row = int(self.rows_of([tracklet_id])[0])
        return None if row < 0 else row

    def rows_of(self, tracklet_ids: Sequence[str]) -> Rows:
        """The row [m] of each tracklet; -1 where it is not held."""
        hashes = [id_hash(name) for name in tracklet_ids]
        settled = self.ids_at.settled_view
        found = [
            self._row_from_table(name, hashed)
            for name, hashed in zip(tracklet_ids, hashes, strict=True)
        ]
        rows = np.array(found, dtype=np.int64)
        if settled == self.number == self.ids_at.settled_view:
            return rows
        # The table has moved on since this view was made, or is moving.
        missed = {tracklet_ids[place]: place for place in np.flatnonzero(rows < 0).tolist()}
        for name, row in self._searched(missed, {hashes[place] for place in missed.values()}):
            rows[missed[name]] = row
        return rows

    def page(self, chosen: Filter, *, after: str | None, limit: int, now_s: float) -> list[str]:
        """The first `limit` ids, in order, that pass the filter and come after `after`.

        A row that is there for a whole listing, page by page, is listed exactly once.
        """
        selection = self.select(chosen, now_s=now_s)
        found: list[str] = []
        piece, walked = max(_LEAST_PIECE, 2 * limit), 0
        while len(found) < limit:
            to_walk = limit * self.state.tracklets / max(1, selection.count)
            if selection.count <= _SORTED_PER_WALKED * to_walk or walked > _MOST_WALKED:
                ids = self.ids(selection)
                later = (name for name in ids if after is None or name > after)
                return found + heapq.nsmallest(limit - len(found), later)
            names = self.listing.following(self, after, piece)
            if not names:
                break
            selected = selection.has(self.rows_of(names))
            found += [name for name, here in zip(names, selected.tolist(), strict=True) if here]
            after, walked = names[-1], walked + len(names)
        return found[:limit]

    def living_ids(self) -> list[str]:
        """Ids of all rows, expired ones included."""
        rows = [np.flatnonzero(part.alive) + first for part, first in self._numbered]
        return self.ids_of(np.concatenate([np.empty(0, np.int64), *rows]))

    def check_attribute_names(self, names: Iterable[str]) -> None:
        """Refuse attributes beyond the 128 names that a gallery may have.

        Raises:
            InvalidMetadata: When living rows and `names` together have more.
        """
        asked, known = set(names), self.vocabulary.attribute_names()
        if len(asked.union(known)) <= MOST_ATTRIBUTE_NAMES:
            return
        together = asked.union(name for name in known if self._has_attribute(name))
        if len(together) > MOST_ATTRIBUTE_NAMES:
            raise InvalidMetadata(
                expected=f"at most {MOST_ATTRIBUTE_NAMES} different attribute names in a gallery",
                received=f"{len(together)} with those of this request",
                remedy="use fewer names; put what is never filtered by into a store of your own",
            )

    def _has_attribute(self, name: str) -> bool:
        columns = [(part, part.attributes.get(name)) for part in self.parts]
        return any(
            codes is not None and bool((codes[: part.length][part.alive] != UNKNOWN).any())
            for part, codes in columns
        )

    @cached_property
    def _numbered(self) -> list[tuple[Part, int]]:
        """Each part with the row number of its first slot."""
        return list(zip(self.parts, self.offsets, strict=True))

    @cached_property
    def _part_of(self) -> dict[int, tuple[Part, int]]:
        """As `_numbered`, by the number of the segment."""
        return {part.segment.number: (part, first) for part, first in self._numbered}

    @cached_property
    def _reader(self) -> RowReader:
        return RowReader(self.parts, self.offsets, self.dimension)

    @cached_property
    def _search(self) -> RowSearch:
        return RowSearch(self.parts, self._reader, self.scanner, self.coarse_error)

    def _row_from_table(self, tracklet_id: str, hashed: int) -> int:
        for location in self.ids_at.candidates(tracklet_id, hashed):
            slot = location & ((1 << SLOT_BITS) - 1)
            part, first = self._part_of.get(location >> SLOT_BITS, (None, 0))
            if part is None or slot >= part.length or not part.alive[slot]:
                continue
            if part.segment.tracklet_id(slot) == tracklet_id:
                return first + slot
        return _NOWHERE

    def _searched(self, names: Collection[str], hashes: set[int]) -> Iterator[tuple[str, int]]:
        """Those of the ids that this view holds, each with its row, found without the table."""
        wanted = np.array(sorted(hashes), dtype=np.uint64)
        for part, first in self._numbered:
            may_be = np.isin(part.columns.id_hash[: part.length], wanted) & part.alive
            for slot in np.flatnonzero(may_be).tolist():
                name = part.segment.tracklet_id(slot)
                if name in names:
                    yield name, first + slot
