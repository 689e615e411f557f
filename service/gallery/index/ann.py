"""An approximate base: a graph over the rows that were living when it was built, never changed.

Rows that came later are scanned exactly beside it, and rows that have gone are masked, so it may
miss a neighbour and can do nothing worse: what it finds obeys the filter, lives in the view, and
gets its similarity from the row itself.

The graph is FAISS' HNSW over codes of 8 bits: a walk goes on past rows that a filter forbids, where
of the few lists that an inverted index looks into most rows may be forbidden.
`python -m benchmarks.gallery_ranking --approximate` measures what it costs and finds.
"""

import threading
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import faiss
import numpy as np
from numpy.typing import NDArray

from service.gallery.index.segment import Segment
from service.gallery.index.selection import Mask, Selection
from service.gallery.index.view import Hit, View

Vectors = NDArray[np.float32]
Rows = NDArray[np.int64]

_ADDED_AT_ONCE = 1024
_TRAINED_ON = 32_768
_MOST_EFFORT = 4096


@dataclass(frozen=True, slots=True)
class GraphShape:
    """How the graph is built and walked.

    Attributes:
        links: Neighbours of a row (HNSW's M).
        build_effort: Candidates from which they are chosen (efConstruction).
        search_effort: Candidates of one search without a filter (efSearch); under a filter as many
            more as it lets fewer rows pass.
    """

    links: int = 32
    build_effort: int = 100
    search_effort: int = 64


@dataclass(frozen=True, slots=True)
class _Covered:
    """Slots of a segment that the base holds, those from `first` on in its own numbering.

    A slot is never used for a second row, so it means the same in every view.
    """

    segment: "weakref.ref[Segment]"
    mask: Mask
    slots: Rows
    first: int


class AnnBase:
    """The graph, and which rows it holds. Any number of threads may search it once it is built."""

    def __init__(self, graph: faiss.IndexHNSWSQ, effort: int) -> None:
        self._graph = graph
        self._effort = effort
        self._covered: tuple[_Covered, ...] = ()
        self._writing = threading.Lock()
        """For who adds rows and who overwrites them; those who search need none."""
        # What is freed stays readable in the memory of the process.
        weakref.finalize(self, _overwrite, graph).atexit = False

    @property
    def rows(self) -> int:
        """Rows in the graph, those that have gone since included."""
        return int(self._graph.ntotal)

    def split(self, view: View, selection: Selection) -> tuple[Selection, Selection]:
        """The selected rows that the base holds, and the others."""
        held, others = [], []
        for number, mask in enumerate(selection.masks):
            covered = self._covering(view, number)
            inside = np.zeros_like(mask)
            if covered is not None:
                inside[: len(covered.mask)] = mask[: len(covered.mask)] & covered.mask
            held.append(inside)
            others.append(mask & ~inside)
        return narrowed(selection, held), narrowed(selection, others)

    def nearest(self, view: View, query: Vectors, selection: Selection, k: int) -> list[Hit] | None:
        """The k selected rows nearest to query [d], as far as the graph knows.

        Highest similarity first, then smallest id. None when the graph does not lead to k rows
        although as many are selected: then the caller scans.
        """
        held, others = self.split(view, selection)
        rows = self._walked(view, query, held, min(k, held.count))
        if rows is None:
            return None
        similarities = view.exact(query, rows)
        near = similarities >= np.sort(similarities)[-k:][:1]
        hits = view.hits(rows[near], similarities[near])
        hits += view.nearest(query[None], others, k)[0]
        return sorted(hits, key=lambda hit: (-hit.similarity, hit.tracklet_id))[:k]

    def cover(self, segment: Segment, mask: Mask, is_wanted: Callable[[], bool]) -> bool:
        """Add these slots of a segment, row by row; False when that is no longer wanted."""
        slots = np.flatnonzero(mask)
        self._covered += (_Covered(weakref.ref(segment), mask, slots, self.rows),)
        buffer = np.empty((_ADDED_AT_ONCE, segment.dimension), np.float32)
        try:
            for start in range(0, len(slots), _ADDED_AT_ONCE):
                if not is_wanted():
                    return False
                chunk = slots[start : start + _ADDED_AT_ONCE]
                with self._writing:
                    np.take(segment.vectors, chunk, axis=0, out=buffer[: len(chunk)], mode="clip")
                    self._graph.add(buffer[: len(chunk)])
        finally:
            buffer[:] = 0
        return True

    def forget_dead(self, view: View) -> None:
        """Overwrite the codes of rows that do not live in the view; nothing moves.

        The graph still leads past them, a little less well: the canary watches that. Rows that
        came after the view stay.
        """
        parts = {id(part.segment): part.alive for part in view.parts}
        newest = max((part.segment.number for part in view.parts), default=-1)
        with self._writing:
            codes = _codes(self._graph)
            for covered in self._covered:
                segment = covered.segment()
                if segment is None or segment.number <= newest:
                    own = codes[covered.first : covered.first + len(covered.slots)]
                    own[_gone(covered.slots[: len(own)], parts.get(id(segment)))] = 0

    def erase(self) -> None:
        """Overwrite all codes; a search that still walks here finds less."""
        with self._writing:
            _overwrite(self._graph)

    def _walked(self, view: View, query: Vectors, held: Selection, k: int) -> Rows | None:
        """Numbers [m] of at least k rows that the walk led to; None when it led to fewer."""
        if k == 0:
            return np.empty(0, np.int64)
        wanted = min(2 * k + 16, held.count)
        effort = max(wanted, self._effort * self.rows // held.count)
        # FAISS keeps pointers, not references: bits and selector live as long as this frame.
        bits = np.packbits(self._positions(view, held), bitorder="little")
        selector = faiss.IDSelectorBitmap(len(bits), faiss.swig_ptr(bits))
        while True:
            parameters = faiss.SearchParametersHNSW(  # type: ignore[attr-defined]  # not in its stubs
                efSearch=effort, sel=selector
            )
            found = self._graph.search(query[None], wanted, params=parameters)[1][0]
            found = found[found >= 0]
            if len(found) >= k:
                return self._rows(view, held, found)
            if effort >= _MOST_EFFORT:
                return None
            effort *= 4

    def _positions(self, view: View, held: Selection) -> Mask:
        """Which positions [n] of the graph are selected."""
        selected = np.zeros(self.rows, dtype=np.bool_)
        for number, mask in enumerate(held.masks):
            covered = self._covering(view, number)
            if covered is not None:
                stop = covered.first + len(covered.slots)
                selected[covered.first : stop] = mask[covered.slots]
        return selected

    def _rows(self, view: View, held: Selection, positions: Rows) -> Rows:
        """Numbers of the rows at these positions of the graph that are selected."""
        found = []
        for number, (mask, offset) in enumerate(zip(held.masks, held.offsets, strict=True)):
            covered = self._covering(view, number)
            if covered is not None:
                own = positions - covered.first
                slots = covered.slots[own[(own >= 0) & (own < len(covered.slots))]]
                # Asked again: some builds of FAISS ignore filters without a word.
                found.append(offset + slots[mask[slots]])
        return np.concatenate([np.empty(0, np.int64), *found])

    def _covering(self, view: View, number: int) -> _Covered | None:
        segment = view.parts[number].segment
        held = (each for each in self._covered if each.segment() is segment)
        return next(held, None)


def narrowed(selection: Selection, masks: Sequence[Mask]) -> Selection:
    """The selection of these rows only."""
    counts = tuple(int(np.count_nonzero(mask)) for mask in masks)
    return Selection(tuple(masks), counts, selection.offsets)


def build_base(
    selection: Selection,
    segments: Sequence[Segment],
    *,
    shape: GraphShape,
    threads: int,
    is_wanted: Callable[[], bool],
    begun: Callable[[AnnBase], None] = lambda _: None,
) -> AnnBase | None:
    """A graph of the selected rows; None when it is no longer wanted.

    It takes the segments instead of the view, which must not be kept for as long as this takes.

    Args:
        selection: Of the view whose segments these are.
        segments: One for each mask of the selection.
        shape: Of the graph.
        threads: Threads of the calling thread's OpenMP from now on.
        is_wanted: Asked every thousand rows.
        begun: Told of the base as soon as rows come to lie in it.
    """
    faiss.omp_set_num_threads(threads)
    graph = faiss.IndexHNSWSQ(
        segments[0].dimension,
        faiss.ScalarQuantizer.QT_8bit,  # type: ignore[arg-type]  # an enumeration of C++
        shape.links,
        faiss.METRIC_INNER_PRODUCT,
    )
    graph.hnsw.efConstruction = shape.build_effort
    _train(graph, selection, segments)
    base = AnnBase(graph, shape.search_effort)
    begun(base)
    covers = (
        base.cover(segment, mask, is_wanted)
        for mask, segment in zip(selection.masks, segments, strict=True)
    )
    return base if all(covers) else None


def _train(graph: faiss.IndexHNSWSQ, selection: Selection, segments: Sequence[Segment]) -> None:
    """Learn the range of each value from rows spread evenly over the selected ones."""
    step = max(1, selection.count // _TRAINED_ON)
    chosen = [np.flatnonzero(mask)[::step] for mask in selection.masks]
    sample = np.empty((sum(map(len, chosen)), graph.d), np.float32)
    start = 0
    for slots, segment in zip(chosen, segments, strict=True):
        stop = start + len(slots)
        np.take(segment.vectors, slots, axis=0, out=sample[start:stop], mode="clip")
        start = stop
    graph.train(sample)
    sample[:] = 0


def _gone(slots: Rows, alive: Mask | None) -> Mask:
    """Which of the slots hold no living row; without a mask of the living, none does."""
    if alive is None:
        return np.ones(len(slots), dtype=np.bool_)
    known = slots < len(alive)
    gone = np.zeros(len(slots), dtype=np.bool_)
    gone[known] = ~alive[slots[known]]
    return gone


def _overwrite(graph: faiss.IndexHNSWSQ) -> None:
    """Leave no code of an embedding in its memory."""
    _codes(graph)[:] = 0


def _codes(graph: faiss.IndexHNSWSQ) -> NDArray[np.uint8]:
    """The codes [n, bytes] where FAISS keeps them; valid until the next row is added."""
    storage = faiss.downcast_index(graph.storage)
    codes = storage.codes  # type: ignore[attr-defined]  # not in its stubs
    if not codes.size():
        return np.empty((0, 1), np.uint8)
    held: NDArray[np.uint8] = faiss.rev_swig_ptr(codes.data(), codes.size())
    return held.reshape(graph.ntotal, -1)
