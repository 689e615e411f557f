"""The index that searches may use at this moment, and why there is none when there is none."""

import threading
from collections.abc import Callable

from service.errors import NotReady
from service.gallery.gallery_errors import ReplicaBehind
from service.gallery.index.gallery_index import GalleryIndex
from service.gallery.index.view import View
from service.gallery.replica.replica_status import Phase
from service.gallery.stores.row_codec import DamagedRow


class ServedIndex:
    """One thread serves, any number of others read and wait.

    Args:
        gallery: Name of the gallery, for errors.
        clock: Monotonic seconds.
    """

    def __init__(self, gallery: str, clock: Callable[[], float]) -> None:
        self._gallery = gallery
        self._clock = clock
        self._changed = threading.Condition()
        self._index: GalleryIndex | None = None
        self._heard_s = clock()
        self.settled = threading.Event()
        """Set once it is known whether the first start has succeeded."""
        self.phase: Phase = "starting"
        self.reason = "starting"
        self.stored_seq = 0
        self._proved_seq = -1
        self.damaged: tuple[DamagedRow, ...] = ()

    def serve(self, index: GalleryIndex) -> None:
        """From now on searches use this index."""
        with self._changed:
            self._index = index
            self.phase, self.reason = "serving", ""
            self.settled.set()
            self._changed.notify_all()

    def withdraw(self, phase: Phase, reason: str) -> None:
        """From now on there is nothing to search."""
        with self._changed:
            self._index = None
            self._proved_seq = -1
            self.phase, self.reason = phase, reason
            if phase != "rebuilding":
                self.settled.set()
            self._changed.notify_all()

    def say(self, reason: str) -> None:
        """Why nothing is served yet; where that is for a fault, the fault goes on being told."""
        if self._index is None and self.phase in {"starting", "rebuilding"}:
            self.reason = reason

    def applied(self, damaged: tuple[DamagedRow, ...]) -> None:
        """The index has moved on; these rows of the store are not in it."""
        with self._changed:
            self.damaged = damaged
            self._changed.notify_all()

    def proved(self, seq: int) -> None:
        """The index was found equal to the store at this write."""
        with self._changed:
            self._proved_seq = seq
            self._changed.notify_all()

    def wait_until_proved(self, seq: int, timeout_s: float) -> None:
        """Wait until the index has been found equal to the store at this write or a later one.

        Raises:
            ReplicaBehind: When that did not happen in time.
            NotReady: When nothing is served.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: self._index is None or self._proved_seq >= seq, timeout_s
            )
            self.index()
            if self._proved_seq < seq:
                raise ReplicaBehind(
                    expected=f"an index compared with the store at write {seq}",
                    received=f"the last comparison at write {self._proved_seq}",
                    remedy="see whether the store answers",
                    retry_after_s=1,
                )

    def damaged_ids(self) -> tuple[str, ...]:
        """Ids of the damaged rows."""
        return tuple(row.tracklet_id for row in self.damaged)

    def heard_of(self, stored_seq: int) -> None:
        """The store has answered, and its last write was this or a later one."""
        self._heard_s = self._clock()
        self.stored_seq = stored_seq

    @property
    def stale_for_s(self) -> float:
        """Since the store was last heard of."""
        return max(0.0, self._clock() - self._heard_s)

    def index(self) -> GalleryIndex:
        """The index.

        Raises:
            NotReady: When there is none, with the reason.
        """
        index = self._index
        if index is None:
            raise NotReady(
                expected=f"gallery {self._gallery!r} to be served",
                received=f"{self.phase}: {self.reason}",
                remedy="retry when /readyz answers 200",
                retry_after_s=1,
            )
        return index

    def index_or_none(self) -> GalleryIndex | None:
        """The index; None when there is none."""
        return self._index

    def wait_for(self, seq: int, timeout_s: float) -> View:
        """A view that shows write `seq` and everything before it.

        Raises:
            ReplicaBehind: When it was not there in time.
            NotReady: When nothing is served.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._shows(seq), timeout_s)
            view = self.index().view
        if view.state.seq < seq:
            raise ReplicaBehind(
                expected=f"a replica that has seen write {seq}",
                received=f"one that has seen write {view.state.seq}",
                remedy="send the request again, or to another replica",
                retry_after_s=1,
            )
        return view

    def _shows(self, seq: int) -> bool:
        """Whether there is nothing to wait for."""
        if self._index is None:
            return self.phase not in {"rebuilding", "starting"}
        return self._index.view.state.seq >= seq
