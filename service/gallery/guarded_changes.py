"""Changes rows that an enumeration found, each only while it still is what was found."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from service.gallery.filter_tree import Filter
from service.gallery.gallery_errors import SeqConflict
from service.gallery.index.view import View
from service.gallery.stores.batch import MOST_CHANGES, Batch, Change, Delete, Outcome
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
class Changed:
    """What became of an attempt to change all that is found.

    Attributes:
        tracklets: How many rows were changed.
        seq: The write up to which was looked last.
        complete: Whether no other row was found there.
    """

    tracklets: int
    seq: int
    complete: bool


def change_found(
    replica: CatchesUp,
    find: Callable[[View], Sequence[Found]],
    change: Callable[[Sequence[Found]], int],
    *,
    most_rounds: int = 16,
    timeout_s: float = 30.0,
) -> Changed:
    """Change what `find` finds, until it finds nothing.

    Args:
        replica: Of the gallery.
        find: Which rows of a view to change; about those that somebody replaced meanwhile it
            decides again.
        change: Changes those rows, 256 at most, that still are what was found; how many there were.
        most_rounds: Enumerations; somebody may replace the same rows again and again.
        timeout_s: Within which the replica must catch up each time.
    """
    changed = seq = 0
    for _ in range(most_rounds):
        replica.catch_up(timeout_s)
        view = replica.view()
        found, seq = find(view), view.state.seq
        # The view is let go before anything is changed: what is pinned cannot be forgotten.
        del view
        if not found:
            return Changed(changed, seq, complete=True)
        for start in range(0, len(found), MOST_CHANGES):
            changed += change(found[start : start + MOST_CHANGES])
    return Changed(changed, seq, complete=False)


def delete_found(
    store: GalleryStore,
    gallery_id: str,
    replica: CatchesUp,
    find: Callable[[View], Sequence[Found]],
    *,
    most_rounds: int = 16,
    timeout_s: float = 30.0,
) -> Changed:
    """Delete what `find` finds, until it finds nothing.

    A row that somebody replaces meanwhile is not deleted: `find` decides about the new one.

    Args:
        store: Where the rows are.
        gallery_id: Of the gallery.
        replica: Of the same gallery.
        find: Which rows of a view to delete.
        most_rounds: As of `change_found`.
        timeout_s: As of `change_found`.
    """
    delete = partial(_delete_unchanged, store, gallery_id)
    return change_found(replica, find, delete, most_rounds=most_rounds, timeout_s=timeout_s)


def write_unchanged(
    write: Callable[[Sequence[Change]], Sequence[Outcome]], changes: Sequence[Change]
) -> Sequence[Outcome]:
    """Outcomes of those changes whose `if_seq` holds; the others are left out.

    Args:
        write: Makes all changes in one write, or none.
        changes: 256 at most, each with an `if_seq`.
    """
    left = list(changes)
    while left:
        try:
            return write(left)
        except SeqConflict as conflict:
            left = [change for change in left if change.tracklet_id not in conflict.held]
    return ()


def found_in(view: View, chosen: Filter) -> list[Found]:
    """The rows of the view that pass the filter, expired ones among them."""
    return found_rows(view, view.select(chosen, now_s=-math.inf).rows())


def found_rows(view: View, rows: NDArray[np.int64]) -> list[Found]:
    """Id and `seq` of rows [m] of the view."""
    return list(zip(view.ids_of(rows), view.seqs_of(rows).tolist(), strict=True))


def _delete_unchanged(store: GalleryStore, gallery_id: str, found: Sequence[Found]) -> int:
    """Delete those rows that still are what was found; how many there were."""
    outcomes = write_unchanged(
        lambda changes: store.write(gallery_id, Batch(tuple(changes))).outcomes,
        [Delete(name, if_seq=seq) for name, seq in found],
    )
    return list(outcomes).count("deleted")
