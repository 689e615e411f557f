"""Where the row of an id lies now; kept by the one writer, read by anybody."""

import numpy as np
from numpy.typing import NDArray

SLOT_BITS = 32


class IdTable:
    """Locations of ids: the number of a segment, shifted by 32 bits, and a slot.

    Rows that came from a snapshot are found by the sorted hashes of their ids, without an object
    per row; rows written since are in a dictionary. A location may be out of date: whoever asks
    compares the id in the slot, and whether the slot is alive.

    Args:
        hashes: `id_hash` [n] of the rows of a snapshot.
        locations: Of each of them [n].
    """

    def __init__(self, hashes: NDArray[np.uint64], locations: NDArray[np.int64]) -> None:
        order = np.argsort(hashes)
        self._hashes = hashes[order]
        self._locations = locations[order]
        self._recent: dict[str, int] = {}
        self.settled_view = 0
        """Number of the view that this table agrees with; 0 while it is being changed."""

    def candidates(self, tracklet_id: str, hashed: int) -> list[int]:
        """Locations where the row of this id may be, the newest first."""
        recent = self._recent.get(tracklet_id)
        found = [] if recent is None else [recent]
        if not len(self._hashes):
            return found
        key = np.uint64(hashed)
        first = int(np.searchsorted(self._hashes, key, "left"))
        while first < len(self._hashes) and self._hashes[first] == key:
            found.append(int(self._locations[first]))
            first += 1
        return found

    def move(self, tracklet_id: str, location: int) -> None:
        """The row of this id is there from now on."""
        self._recent[tracklet_id] = location

    def drop(self, tracklet_id: str) -> None:
        """There is no row of this id any more."""
        self._recent.pop(tracklet_id, None)
