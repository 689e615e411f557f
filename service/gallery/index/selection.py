"""Which rows a filter selects: the trees of `filter_tree`, evaluated over columns."""

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
from service.gallery.index.segment import Segment, id_hash
from service.gallery.index.vocabulary import UNKNOWN, Vocabulary

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Part:
    """What a view sees of a segment: its first `length` slots, of which some are alive."""

    segment: Segment
    length: int
    alive: Mask
    living: int


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

    def rows(self) -> NDArray[np.int64]:
        """Numbers [n] of the selected rows, ascending."""
        return self._rows

    @cached_property
    def _rows(self) -> NDArray[np.int64]:
        found = [np.flatnonzero(mask) + first for mask, first in zip(self.masks, self.offsets)]
        return np.concatenate([np.empty(0, np.int64), *found])


def select_in_part(part: Part, chosen: Filter, vocabulary: Vocabulary, now_s: float) -> Mask:
    """Which slots [length] are alive, not expired at `now_s`, and pass the filter."""
    selected = part.alive
    if part.segment.soonest_expiry_s <= now_s:
        selected = selected & (part.segment.columns["expires_s"][: part.length] > now_s)
    if chosen == All():
        return selected
    return selected & _Evaluation(part, vocabulary).mask(chosen)


class _Evaluation:
    """One filter over one part; each method gives the slots [length] that pass."""

    def __init__(self, part: Part, vocabulary: Vocabulary) -> None:
        self._part = part
        self._vocabulary = vocabulary

    def mask(self, tree: Filter) -> Mask:
        if isinstance(tree, All):
            return self._all(tree)
        if isinstance(tree, AnyOf):
            return ~self._all(All(tuple(Not(part) for part in tree.parts)))
        if isinstance(tree, Not):
            return ~self.mask(tree.part)
        if isinstance(tree, Overlaps):
            return self._overlaps(tree)
        if isinstance(tree, Between):
            name = tree.field.removeprefix(ATTRIBUTE_PREFIX)
            passed = self._vocabulary.attribute(name).between(tree)
            return passed[self._attribute(name)]
        if isinstance(tree, Exists):
            return self._exists(tree.field)
        return self._equals(tree)

    def _all(self, tree: All) -> Mask:
        passed = np.ones(self._part.length, dtype=np.bool_)
        for part in tree.parts:
            passed &= self.mask(part)
        return passed

    def _overlaps(self, tree: Overlaps) -> Mask:
        """As the oracle compares one interval; NaN, for an unknown time, compares as false."""
        begin_s, finish_s = self._column("begin_s"), self._column("finish_s")
        in_time = (begin_s < tree.end_s) | (begin_s <= tree.start_s)
        return in_time & ((finish_s > tree.start_s) | (begin_s >= tree.start_s))

    def _exists(self, field: str) -> Mask:
        if field == "tracklet_id":
            return np.ones(self._part.length, dtype=np.bool_)
        if field == "time":
            return self._column("times_known") != 0
        return self._codes(field) != UNKNOWN

    def _equals(self, tree: Equals) -> Mask:
        if tree.field == "tracklet_id":
            return self._named({str(value) for value in tree.values})
        if tree.field == "camera":
            wanted = self._vocabulary.cameras.equal(tree.values)
        elif tree.field == "identity":
            wanted = self._vocabulary.identities.equal(tree.values)
        else:
            name = tree.field.removeprefix(ATTRIBUTE_PREFIX)
            wanted = self._vocabulary.attribute(name).equal(tree.values)
        return np.isin(self._codes(tree.field), wanted)

    def _named(self, names: set[str]) -> Mask:
        segment = self._part.segment
        hashes = np.array([id_hash(name) for name in names], dtype=np.uint64)
        passed = np.isin(self._column("id_hash"), hashes)
        for slot in np.flatnonzero(passed).tolist():
            passed[slot] = segment.tracklet_id(slot) in names
        return passed

    def _codes(self, field: str) -> NDArray[np.int32]:
        if field in {"camera", "identity"}:
            return self._column(field)
        return self._attribute(field.removeprefix(ATTRIBUTE_PREFIX))

    def _attribute(self, name: str) -> NDArray[np.int32]:
        codes = self._part.segment.attributes.get(name)
        if codes is None:
            return np.full(self._part.length, UNKNOWN, np.int32)
        return codes[: self._part.length]

    def _column(self, name: str) -> NDArray[np.generic]:
        return self._part.segment.columns[name][: self._part.length]
