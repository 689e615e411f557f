"""Deletes the rows that an enumeration found, each only while it still is what was found."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from service.errors import SeqConflict
from service.gallery.index.view import View
from service.gallery.stores.batch import MOST_CHANGES, Batch, Delete
from service.gallery.stores.protocol import GalleryStore

Found: TypeAlias = tuple[str, int]
"""A tracklet id, and the `seq` of the row that was found."""


class CatchesUp(Protocol):
    """A replica that can be asked for all that the store holds now."""

    def view(self) -> View:
        """What it holds."""
        ...

    def catch_up(self, timeout_s: float) -> View:
        """What it holds once it has applied all that the store had written at this call."""
        ...


@dataclass(frozen=True, slots=True)
class Deleted:
    """How many rows are gone, and whether no other was found after them."""

    tracklets: int
    complete: bool


def delete_found(
    store: GalleryStore,
    gallery_id: str,
    replica: CatchesUp,
    find: Callable[[View], Sequence[Found]],
    *,
    most_rounds: int = 16,
    timeout_s: float = 30.0,
) -> Deleted:
    """Delete what `find` finds, until it finds nothing.

    A row that somebody replaces meanwhile is not deleted: `find` decides about the new one.

    Args:
        store: Where the rows are.
        gallery_id: Of the gallery.
        replica: Of the same gallery.
        find: Which rows of a view to delete.
        most_rounds: Enumerations; somebody may replace the same rows again and again.
        timeout_s: Within which the replica must catch up each time.
    """
    deleted = 0
    for _ in range(most_rounds):
        replica.catch_up(timeout_s)
        # The view is let go before anything is deleted: what is pinned cannot be forgotten.
        found = find(replica.view())
        if not found:
            return Deleted(deleted, complete=True)
        for start in range(0, len(found), MOST_CHANGES):
            rows = found[start : start + MOST_CHANGES]
            deleted += _delete_unchanged(store, gallery_id, rows)
    return Deleted(deleted, complete=False)


def _delete_unchanged(store: GalleryStore, gallery_id: str, rows: Iterable[Found]) -> int:
    """Delete those rows that are still as they were found; how many there were."""
    left = dict(rows)
    while left:
        changes = tuple(Delete(name, if_seq=seq) for name, seq in left.items())
        try:
            written = store.write(gallery_id, Batch(changes))
        except SeqConflict as conflict:
            for name in conflict.held:
                del left[name]
        else:
            return written.outcomes.count("deleted")
    return 0


def heads(view: View, rows: NDArray[np.int64]) -> list[Found]:
    """Id and `seq` of rows [m] of the view."""
    return [(head.tracklet_id, head.seq) for head in view.heads(rows)]
