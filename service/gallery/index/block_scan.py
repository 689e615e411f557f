"""One block of rows against all queries: rough similarities, and which rows are candidates."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property

import faiss
import numpy as np
from numpy.typing import NDArray

from service.errors import ReidError
from service.gallery.index.anonymous_memory import wiped
from service.gallery.index.candidates import Candidates, Pairs, Similarities
from service.gallery.index.rescoring import Rows, Vectors
from service.gallery.index.scan_plan import BLOCK_ROWS, Unit, Way
from service.gallery.index.selection import Mask

_COPIED_AT_ONCE = 256
"""Rows: half a megabyte at 512 values stays in the cache of a core between copy and product."""


@contextmanager
def block_scan(queries: Vectors) -> Iterator["BlockScan"]:
    """A scan of one search in one thread; `queries` [b, d] have length 1."""
    with ExitStack() as ending:
        yield BlockScan(queries, ending)


class BlockScan:
    """Scans units; made by `block_scan`.

    Args:
        queries: float32 [b, d] of length 1.
        ending: Of the scan; it wipes what was copied.
    """

    def __init__(self, queries: Vectors, ending: ExitStack) -> None:
        self._queries = queries
        self._ending = ending
        self._block = np.empty((len(queries), BLOCK_ROWS), np.float32)
        self._filled = 0
        self._filled_rows: list[Rows] = []

    def search(self, unit: Unit, candidates: Candidates) -> None:
        """Add every selected row of the unit that the candidates may need; see `finish`.

        Raises:
            ReidError: When FAISS answers with a row that is not selected.
        """
        # Without a floor every row would be a candidate.
        needs_floors = unit.way.needs_floors
        if not (needs_floors and np.isfinite(candidates.current_floors()).all()):
            self._search_gathered(unit, candidates)
            if needs_floors:
                self.finish(candidates)
        elif unit.way is Way.FILTERED:
            self._search_filtered(unit, candidates)
        else:
            self._search_whole(unit, candidates)

    def finish(self, candidates: Candidates) -> None:
        """Add the rows that still wait for company: small pieces are looked at together."""
        if not self._filled:
            return
        similarities = self._block[:, : self._filled]
        several = len(self._filled_rows) > 1
        rows = np.concatenate(self._filled_rows) if several else self._filled_rows[0]
        self._filled, self._filled_rows = 0, []
        query_of, column = _reaching(similarities, candidates.floors_with(similarities))
        candidates.add(Pairs(query_of, rows[column], similarities[query_of, column]))

    def all_of(self, unit: Unit) -> Similarities:
        """Rough similarities [b, n] of all selected rows of the unit, in the order of rows."""
        slots = unit.start + np.flatnonzero(unit.mask)
        found = np.empty((len(self._queries), len(slots)), np.float32)
        if unit.way is not Way.NAMED and 2 * len(slots) > len(unit.mask):
            first = 0
            for at, similarities in self._products(unit):
                selected = similarities[:, unit.mask[at]]
                found[:, first : first + selected.shape[1]] = selected
                first += selected.shape[1]
        else:
            self._gathered_products(unit, slots, out=found)
        return found

    def _search_filtered(self, unit: Unit, candidates: Candidates) -> None:
        vectors = unit.part.segment.vectors[unit.start : unit.stop]
        for number, floor in enumerate(candidates.floors.tolist()):
            slots, similarities = above(vectors, self._queries[number], floor, unit.mask)
            rows = unit.first_row + unit.start + slots
            candidates.add(Pairs(np.full(len(rows), number), rows, similarities))

    def _search_whole(self, unit: Unit, candidates: Candidates) -> None:
        self.finish(candidates)
        for at, similarities in self._products(unit):
            query_of, column = _reaching(similarities, candidates.floors)
            selected = unit.mask[at][column]
            query_of, column = query_of[selected], column[selected]
            rows = unit.first_row + unit.start + at.start + column
            candidates.add(Pairs(query_of, rows, similarities[query_of, column]))

    def _search_gathered(self, unit: Unit, candidates: Candidates) -> None:
        slots = unit.start + unit.mask.nonzero()[0]
        while len(slots):
            if self._filled == BLOCK_ROWS:
                self.finish(candidates)
            free = BLOCK_ROWS - self._filled
            chosen, slots = slots[:free], slots[free:]
            room = self._block[:, self._filled : self._filled + len(chosen)]
            self._gathered_products(unit, chosen, out=room)
            self._filled += len(chosen)
            self._filled_rows.append(unit.first_row + chosen)

    def _products(self, unit: Unit) -> Iterator[tuple[slice, Similarities]]:
        """For each block: which slots after the start, and similarities [b, block] of all."""
        for start in range(0, len(unit.mask), BLOCK_ROWS):
            at = slice(start, min(start + BLOCK_ROWS, len(unit.mask)))
            vectors = unit.part.segment.vectors[unit.start + at.start : unit.start + at.stop]
            room = self._block[:, : len(vectors)]
            yield at, np.matmul(self._queries, vectors.T, out=room)

    def _gathered_products(self, unit: Unit, slots: Rows, *, out: Similarities) -> None:
        """Fill similarities [b, n] of these slots [n]."""
        if unit.way is Way.NAMED:
            for query, similarities in zip(self._queries, out, strict=True):
                fill_named(unit.part.segment.vectors, query, slots, out=similarities)
            return
        for start in range(0, len(slots), _COPIED_AT_ONCE):
            taken = slots[start : start + _COPIED_AT_ONCE]
            copies = self._copies[: len(taken)]
            np.take(unit.part.segment.vectors, taken, axis=0, out=copies, mode="clip")
            out[:, start : start + len(taken)] = self._queries @ copies.T

    @cached_property
    def _copies(self) -> Vectors:
        """Room for some embeddings [n, d]."""
        shape = (_COPIED_AT_ONCE, self._queries.shape[1])
        return self._ending.enter_context(wiped(shape, np.float32))


def fill_named(vectors: Vectors, query: Vectors, slots: Rows, *, out: Similarities) -> None:
    """Fill the similarities [m] of the query [d] to the vectors [n, d] in these slots [m]."""
    # FAISS checks nothing: each array is contiguous, of just this type, and long enough.
    faiss.fvec_inner_products_by_idx(  # type: ignore[attr-defined]  # its stubs leave it out
        faiss.swig_ptr(out), faiss.swig_ptr(query), faiss.swig_ptr(vectors),
        faiss.swig_ptr(slots), vectors.shape[1], 1, len(slots),
    )  # fmt: skip


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


def _reaching(
    similarities: Similarities, floors: Similarities
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Queries [m] and columns [m] of the similarities [b, n] that reach the floor [b]."""
    # In two dimensions NumPy takes twenty times as long to find the true ones.
    flat = (similarities >= floors[:, None]).ravel().nonzero()[0]
    if len(similarities) == 1:
        return np.zeros_like(flat), flat
    query_of, column = np.divmod(flat, similarities.shape[1])
    return query_of, column
