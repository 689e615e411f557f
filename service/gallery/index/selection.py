"""Which rows a filter selects: the trees of `filter_tree`, evaluated over columns."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from service.gallery.filter_tree import (
    ATTRIBUTE_PREFIX,
    All,
    AnyOf,
    Between,
    Equals,
    Exists,
    Filter,
    Not,
    Overlaps,
)
from service.gallery.index.row_columns import RowColumns
from service.gallery.index.segment import Segment, id_hash
from service.gallery.index.vocabulary import UNKNOWN, ValueTable, Vocabulary
from service.gallery.moment_filter import MomentWithin

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Part:
    """What a view sees of a segment: its first `length` slots, of which some are alive.

    Attributes:
        alive: Which slots [length] hold a row of the gallery.
        living: How many do.
        columns: Of the segment, with the codes of the view's vocabulary.
        attributes: Codes of each attribute, likewise.
    """

    segment: Segment
    length: int
    alive: Mask
    living: int
    columns: RowColumns
    attributes: dict[str, NDArray[np.int32]]


@dataclass(frozen=True, eq=False)
class Selection:
    """The rows of a view that a search may return.

    Attributes:
        masks: For each part of the view, which slots [length] are selected.
        counts: How many that are, for each part.
        offsets: Row number of the first slot of each part.
    """

    masks: tuple[Mask, ...]
    counts: tuple[int, ...]
    offsets: tuple[int, ...]

    @property
    def count(self) -> int:
        """How many rows are selected."""
        return sum(self.counts)

    def has(self, rows: NDArray[np.int64]) -> Mask:
        """Which of these rows [m] are selected."""
        found = np.zeros(len(rows), dtype=np.bool_)
        at = np.searchsorted(np.array(self.offsets), rows, "right") - 1
        for number in np.unique(at[rows >= 0]).tolist():
            places = np.flatnonzero((at == number) & (rows >= 0))
            found[places] = self.masks[number][rows[places] - self.offsets[number]]
        return found

    def rows(self) -> NDArray[np.int64]:
        """Numbers [n] of the selected rows, ascending."""
        return self._rows

    @cached_property
    def _rows(self) -> NDArray[np.int64]:
        parts = zip(self.masks, self.offsets, strict=True)
        found = [np.flatnonzero(mask) + first for mask, first in parts]
        return np.concatenate([np.empty(0, np.int64), *found])


def select_in_part(part: Part, chosen: Filter, vocabulary: Vocabulary, now_s: float) -> Mask:
    """Which slots [length] are alive, not expired at `now_s`, and pass the filter."""
    selected = part.alive
    if part.segment.soonest_expiry_s <= now_s:
        selected = selected & (part.columns.expires_s[: part.length] > now_s)
    if chosen == All():
        return selected
    return selected & _Evaluation(part, vocabulary).mask(chosen)


class _Evaluation:
    """One filter over one part; each method gives the slots [length] that pass."""

    def __init__(self, part: Part, vocabulary: Vocabulary) -> None:
        self._part = part
        self._vocabulary = vocabulary

    def mask(self, tree: Filter) -> Mask:
        match tree:
            case All():
                passed = self._all(tree.parts)
            case AnyOf():
                passed = ~self._all([Not(part) for part in tree.parts])
            case Not():
                passed = ~self.mask(tree.part)
            case Overlaps():
                passed = self._overlaps(tree)
            case MomentWithin():
                passed = self._moment_within(tree)
            case Between():
                passed = self._between(tree)
            case Exists():
                passed = self._exists(tree.field)
            case Equals():
                passed = self._equals(tree)
        return passed

    def _all(self, trees: Iterable[Filter]) -> Mask:
        passed = np.ones(self._part.length, dtype=np.bool_)
        for tree in trees:
            passed &= self.mask(tree)
        return passed

    def _overlaps(self, tree: Overlaps) -> Mask:
        """As the oracle compares one interval; NaN, for an unknown time, compares as false."""
        begin_s, finish_s = self._begin_s(), self._finish_s()
        in_time: Mask = (begin_s < tree.end_s) | (begin_s <= tree.start_s)
        in_time &= (finish_s > tree.start_s) | (begin_s >= tree.start_s)
        return in_time

    def _moment_within(self, tree: MomentWithin) -> Mask:
        held_s = self._begin_s() if tree.moment == "start" else self._finish_s()
        passed: Mask = (held_s >= tree.least_s) & (held_s <= tree.most_s)
        return passed

    def _between(self, tree: Between) -> Mask:
        table = self._vocabulary.attribute(tree.field.removeprefix(ATTRIBUTE_PREFIX))
        # The code for "unknown" is -1 and reads the last element, which is False.
        return table.between(tree)[self._codes(tree.field)]

    def _exists(self, field: str) -> Mask:
        if field == "tracklet_id":
            return np.ones(self._part.length, dtype=np.bool_)
        passed: Mask = (
            self._part.columns.times_known[: self._part.length] != 0
            if field == "time"
            else self._codes(field) != UNKNOWN
        )
        return passed

    def _equals(self, tree: Equals) -> Mask:
        if tree.field == "tracklet_id":
            return self._named({str(value) for value in tree.values})
        wanted = self._table(tree.field).equal(tree.values)
        return np.isin(self._codes(tree.field), wanted)

    def _named(self, names: set[str]) -> Mask:
        segment = self._part.segment
        hashes = np.array([id_hash(name) for name in names], dtype=np.uint64)
        passed = np.isin(self._part.columns.id_hash[: self._part.length], hashes)
        for slot in np.flatnonzero(passed & self._part.alive).tolist():
            passed[slot] = segment.tracklet_id(slot) in names
        return passed

    def _table(self, field: str) -> ValueTable:
        if field == "camera":
            return self._vocabulary.cameras
        if field == "identity":
            return self._vocabulary.identities
        return self._vocabulary.attribute(field.removeprefix(ATTRIBUTE_PREFIX))

    def _codes(self, field: str) -> NDArray[np.int32]:
        columns, length = self._part.columns, self._part.length
        if field == "camera":
            return columns.camera[:length]
        if field == "identity":
            return columns.identity[:length]
        codes = self._part.attributes.get(field.removeprefix(ATTRIBUTE_PREFIX))
        return np.full(length, UNKNOWN, np.int32) if codes is None else codes[:length]

    def _begin_s(self) -> NDArray[np.float64]:
        return self._part.columns.begin_s[: self._part.length]

    def _finish_s(self) -> NDArray[np.float64]:
        return self._part.columns.finish_s[: self._part.length]
