"""Ids in order, so that a page of a million does not sort them all.

The writer keeps the order up to date once somebody has asked for it. It may be ahead of the view of
whoever reads: the reader leaves out what its view does not hold.
"""

import threading
import weakref
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from sortedcontainers import SortedSet

if TYPE_CHECKING:
    from service.gallery.index.view import View


class IdListing:
    """The ids of a gallery in order."""

    def __init__(self) -> None:
        self._building = threading.Lock()
        self._lock = threading.Lock()
        self._ids: SortedSet | None = None
        self._missed: list[tuple[Sequence[str], Sequence[str]]] | None = None
        self._latest: weakref.ref[View] | None = None

    def publish(
        self,
        view: "View",
        put: Sequence[str],
        deleted: Sequence[str],
        show: Callable[[], None],
    ) -> None:
        """From now on `view` is the latest, and holds the ids put, and not those deleted.

        Args:
            view: That everybody sees once `show` has returned.
            put: Ids that it may have and the view before had not.
            deleted: Ids that the view before may have had.
            show: Lets it be seen. Whoever lists a view that has been seen finds its ids here.
        """
        with self._lock:
            show()
            self._latest = weakref.ref(view)
            if self._ids is not None:
                _change(self._ids, put, deleted)
            elif self._missed is not None:
                self._missed.append((put, deleted))

    def following(self, view: "View", after: str | None, limit: int) -> list[str]:
        """The first `limit` ids after `after` that the latest view holds; put in order once.

        Args:
            view: Of whoever asks.
            after: None for the very first.
            limit: At most so many.
        """
        ids = self._built(view) if self._ids is None else self._ids
        with self._lock:
            found = ids.irange(minimum=after, inclusive=(False, False))
            return list(islice(found, limit))

    def _built(self, view: "View") -> SortedSet:
        with self._building:
            if self._ids is not None:
                return self._ids
            with self._lock:
                self._missed = []
                latest = None if self._latest is None else self._latest()
            # Sorting takes seconds for a million ids: the writer goes on, and is caught up with.
            ids = SortedSet((latest or view).living_ids())
            with self._lock:
                for put, deleted in self._missed:
                    _change(ids, put, deleted)
                self._ids, self._missed = ids, None
            return ids


def _change(ids: SortedSet, put: Iterable[str], deleted: Iterable[str]) -> None:
    for tracklet_id in put:
        ids.add(tracklet_id)
    for tracklet_id in deleted:
        ids.discard(tracklet_id)
