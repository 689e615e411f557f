"""One block of rows against all queries: which rows reach the floors, with rough similarities."""

from collections.abc import Iterator

import faiss
import numpy as np
from numpy.typing import NDArray

from service.errors import ReidError
from service.gallery.index.anonymous_memory import zeros
from service.gallery.index.candidates import NO_PAIRS, Pairs, Similarities
from service.gallery.index.rescoring import Rows, Vectors
from service.gallery.index.scan_plan import BLOCK_ROWS, Unit, Way
from service.gallery.index.selection import Mask

_COPIED_AT_ONCE = 256
"""Rows: half a megabyte at 512 values stays in the cache of a core between copy and product."""


class BlockScan:
    """Scans units for one search in one thread, with memory of its own.

    Args:
        queries: float32 [b, d] of length 1.
    """

    def __init__(self, queries: Vectors) -> None:
        self._queries = queries
        self._copies = zeros((_COPIED_AT_ONCE, queries.shape[1]), np.float32)
        self._similarities = np.empty(len(queries) * BLOCK_ROWS, np.float32)

    def found(self, unit: Unit, floors: Similarities) -> Pairs:
        """Selected rows of the unit whose rough similarity reaches the floor [b] of a query.

        Raises:
            ReidError: When FAISS answers with a row that is not selected.
        """
        # Without a floor FAISS would answer with every row.
        if unit.way is Way.FILTERED and np.isfinite(floors).all():
            return self._filtered(unit, floors)
        if unit.way is Way.WHOLE:
            return self._whole(unit, floors)
        return self._copied(unit, floors)

    def all_of(self, unit: Unit) -> Similarities:
        """Rough similarities [b, n] of all selected rows of the unit, in the order of rows."""
        slots = unit.start + np.flatnonzero(unit.mask)
        if 2 * len(slots) > len(unit.mask):
            blocks = [block[:, unit.mask[at]] for at, block in self._products(unit)]
        else:
            blocks = [block.copy() for _, block in self._products_of(unit, slots)]
        return np.concatenate([np.empty((len(self._queries), 0), np.float32), *blocks], axis=1)

    def _filtered(self, unit: Unit, floors: Similarities) -> Pairs:
        found = NO_PAIRS
        for number, floor in enumerate(floors.tolist()):
            slots, similarities = above(
                unit.part.segment.vectors[unit.start : unit.stop],
                self._queries[number],
                floor,
                unit.mask,
            )
            rows = unit.first_row + unit.start + slots
            query_of = np.full(len(rows), number, np.int64)
            found = found.with_others(Pairs(query_of, rows, similarities))
        return found

    def _whole(self, unit: Unit, floors: Similarities) -> Pairs:
        found = NO_PAIRS
        for at, similarities in self._products(unit):
            query_of, column = np.nonzero(similarities >= floors[:, None])
            selected = unit.mask[at][column]
            query_of, column = query_of[selected], column[selected]
            rows = unit.first_row + unit.start + at.start + column
            found = found.with_others(Pairs(query_of, rows, similarities[query_of, column]))
        return found

    def _copied(self, unit: Unit, floors: Similarities) -> Pairs:
        found = NO_PAIRS
        slots = unit.start + np.flatnonzero(unit.mask)
        for chosen, similarities in self._products_of(unit, slots):
            query_of, column = np.nonzero(similarities >= floors[:, None])
            rows = unit.first_row + chosen[column]
            found = found.with_others(Pairs(query_of, rows, similarities[query_of, column]))
        return found

    def _products(self, unit: Unit) -> Iterator[tuple[slice, Similarities]]:
        """For each block: which slots after the start, and similarities [b, block] of all."""
        for start in range(0, len(unit.mask), BLOCK_ROWS):
            at = slice(start, min(start + BLOCK_ROWS, len(unit.mask)))
            vectors = unit.part.segment.vectors[unit.start + at.start : unit.start + at.stop]
            yield at, np.matmul(self._queries, vectors.T, out=self._room(len(vectors)))

    def _products_of(self, unit: Unit, slots: Rows) -> Iterator[tuple[Rows, Similarities]]:
        """For each block of these slots: those of it, and their similarities [b, block]."""
        for start in range(0, len(slots), BLOCK_ROWS):
            chosen = slots[start : start + BLOCK_ROWS]
            similarities = self._room(len(chosen))
            for first in range(0, len(chosen), _COPIED_AT_ONCE):
                taken = chosen[first : first + _COPIED_AT_ONCE]
                copies = self._copies[: len(taken)]
                np.take(unit.part.segment.vectors, taken, axis=0, out=copies, mode="clip")
                similarities[:, first : first + len(taken)] = self._queries @ copies.T
            yield chosen, similarities

    def _room(self, rows: int) -> Similarities:
        """An array [b, rows] of what was computed last."""
        queries = len(self._queries)
        return self._similarities[: queries * rows].reshape(queries, rows)


def above(vectors: Vectors, query: Vectors, floor: float, mask: Mask) -> tuple[Rows, Similarities]:
    """Slots among the masked vectors [n, d] whose similarity to the query [d] is above the floor.

    Raises:
        ReidError: When FAISS answers with a slot that the mask [n] forbids: some of its indexes
            ignore a filter without a word.
    """
    # FAISS keeps pointers, not references: bits, selector and answer live as long as this frame.
    bits = np.packbits(mask, bitorder="little")
    selector = faiss.IDSelectorBitmap(len(bits), faiss.swig_ptr(bits))
    answer = faiss.RangeSearchResult(1)
    faiss.range_search_inner_product(
        faiss.swig_ptr(query), faiss.swig_ptr(vectors), vectors.shape[1], 1, len(vectors),
        floor, answer, selector,
    )  # fmt: skip
    count = int(faiss.rev_swig_ptr(answer.lims, 2)[1])
    if not count:
        return np.empty(0, np.int64), np.empty(0, np.float32)
    slots: NDArray[np.int64] = faiss.rev_swig_ptr(answer.labels, count).copy()
    strangers = int(np.count_nonzero(~mask[slots]))
    if strangers:
        raise ReidError(
            expected="only rows that pass the filter from FAISS",
            received=f"{strangers} others of {count}",
            remedy="install the FAISS build that this release names",
        )
    return slots, faiss.rev_swig_ptr(answer.distances, count).copy()
