"""The next view in the making: what one write changes, on copies of what a view shows."""

import numpy as np
from numpy.typing import NDArray

from service.gallery.index.id_table import SLOT_BITS, IdTable
from service.gallery.index.segment import Segment, id_hash
from service.gallery.index.selection import Mask, Part
from service.gallery.index.view import View
from service.gallery.index.vocabulary import Vocabulary
from service.gallery.stores.row_codec import IntactRow


class DraftPart:
    """A part whose bits are copied before the first of them changes."""

    def __init__(self, segment: Segment, alive: Mask, living: int) -> None:
        self.segment = segment
        self.living = living
        self._alive = alive
        self._is_copy = False

    def is_alive(self, slot: int) -> bool:
        """Whether the slot holds a row of the gallery."""
        return slot < len(self._alive) and bool(self._alive[slot])

    def set_alive(self, slots: slice, *, count: int) -> None:
        """These slots hold rows now."""
        self._own()[slots] = True
        self.living += count

    def bury(self, slot: int) -> None:
        """This slot holds no row any more."""
        self._own()[slot] = False
        self.living -= 1

    def living_slots(self) -> NDArray[np.int64]:
        """The slots that hold rows, ascending."""
        return np.flatnonzero(self._alive)

    @property
    def dead(self) -> int:
        """How many used slots hold no row any more."""
        return self.segment.used - self.living

    def part(self) -> Part:
        """What a view sees of it."""
        alive = self._alive[: self.segment.used]
        alive.flags.writeable = False
        segment = self.segment
        return Part(segment, segment.used, alive, self.living, segment.columns, segment.attributes)

    def _own(self) -> Mask:
        if not self._is_copy:
            copied = np.zeros(self.segment.capacity, dtype=np.bool_)
            copied[: len(self._alive)] = self._alive
            self._alive, self._is_copy = copied, True
        return self._alive


class Draft:
    """The rows of a view, and the changes of one write.

    Args:
        view: As it stands before the write.
        segment_rows: Capacities of the first segments; all others have the last.
        next_segment: Number of the next new segment.
    """

    def __init__(self, view: View, segment_rows: tuple[int, ...], next_segment: int) -> None:
        self.parts = [DraftPart(part.segment, part.alive, part.living) for part in view.parts]
        self.tracklets = view.state.tracklets
        self.digest = view.state.digest
        self.next_segment = next_segment
        self._dimension = view.dimension
        self._segment_rows = segment_rows
        self.vocabulary: Vocabulary = view.vocabulary
        self._ids: IdTable = view.ids_at

    def put(self, row: IntactRow) -> bool:
        """Take in a row, in place of any earlier one of its id; an older one changes nothing."""
        held = self._find(row.record.tracklet_id)
        if held is not None:
            part, slot = held
            if int(part.segment.columns.seq[slot]) >= row.record.seq:
                return False
            self._bury(part, slot)
        part = self._open_part()
        slot = part.segment.append(row, self.vocabulary)
        part.set_alive(slice(slot, slot + 1), count=1)
        self._ids.move(row.record.tracklet_id, part.segment.number << SLOT_BITS | slot)
        self.tracklets += 1
        self.digest ^= row.digest
        return True

    def drop(self, tracklet_id: str) -> bool:
        """Forget the row of this id, if there is one."""
        held = self._find(tracklet_id)
        if held is None:
            return False
        self._bury(*held)
        self._ids.drop(tracklet_id)
        return True

    def compact(self) -> None:
        """Move the living rows out of full segments that are mostly dead, and leave those out."""
        sparse = [part for part in self.parts if part.segment.is_full and part.dead > part.living]
        self.parts = [part for part in self.parts if part not in sparse]
        for part in sparse:
            self._move(part.segment, part.living_slots())

    def _move(self, segment: Segment, slots: NDArray[np.int64]) -> None:
        while len(slots):
            part = self._open_part()
            first = part.segment.used
            moved, slots = np.split(slots, [part.segment.capacity - first])
            part.segment.copy_rows(segment, moved)
            part.set_alive(slice(first, first + len(moved)), count=len(moved))
            for slot in range(first, first + len(moved)):
                location = part.segment.number << SLOT_BITS | slot
                self._ids.move(part.segment.tracklet_id(slot), location)

    def _open_part(self) -> DraftPart:
        """A part with an unused slot, a new one where all are full."""
        if not self.parts or self.parts[-1].segment.is_full:
            number = min(len(self.parts), len(self._segment_rows) - 1)
            segment = Segment(self.next_segment, self._segment_rows[number], self._dimension)
            self.next_segment += 1
            self.parts.append(DraftPart(segment, np.zeros(0, dtype=np.bool_), 0))
        return self.parts[-1]

    def _find(self, tracklet_id: str) -> tuple[DraftPart, int] | None:
        for location in self._ids.candidates(tracklet_id, id_hash(tracklet_id)):
            number, slot = location >> SLOT_BITS, location & ((1 << SLOT_BITS) - 1)
            for part in self.parts:
                here = part.segment.number == number and part.is_alive(slot)
                if here and part.segment.tracklet_id(slot) == tracklet_id:
                    return part, slot
        return None

    def _bury(self, part: DraftPart, slot: int) -> None:
        part.bury(slot)
        self.tracklets -= 1
        self.digest ^= int(part.segment.columns.digest[slot])
