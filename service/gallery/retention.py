"""Tracklets that are kept only for a while: when they expire, and who deletes them then.

Expiry takes effect at once: a view masks what has expired. The sweeper deletes it afterwards. Now
and then it also has the bytes of all that was deleted or replaced leave memory, snapshots and the
store's files. It goes by the store's clock alone, may run in any number of replicas at a time, and
stands still while that clock is set back: until it has caught up nobody knows what has expired.
"""

import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from service.gallery.erasure_places import has_stopped
from service.gallery.filter_tree import EVERYTHING
from service.gallery.guarded_changes import CatchesUp, Found, delete_found, found_rows
from service.gallery.index.view import View
from service.gallery.periodic_thread import PeriodicThread
from service.gallery.stores.protocol import GalleryInfo, GalleryStore
from service.log import log_event

logger = logging.getLogger(__name__)

MOST_SET_BACK_S = 3600.0
"""A store's clock that goes back further than this stops the sweeper."""


class SweptReplica(CatchesUp, Protocol):
    """What a sweep needs of a gallery's replica in this process."""

    @property
    def name(self) -> str:
        """As in its `ReplicaMark`."""
        ...

    def forget_dead(self) -> bool:
        """Clear dead bytes from memory and snapshots; False while a search still holds some."""
        ...


@dataclass(frozen=True, slots=True)
class RetentionTimes:
    """When what is done.

    Args:
        sweep_every_s: Between two sweeps.
        purge_every_s: At least between two times that deleted bytes are made to leave the files.
        audit_s: How long names stay in the audit log, and in receipts of erasures.
    """

    sweep_every_s: float
    purge_every_s: float
    audit_s: float


def expired(view: View, *, now_s: float) -> list[Found]:
    """Every row of the view that has expired."""
    every = view.select(EVERYTHING, now_s=-math.inf)
    living = view.select(EVERYTHING, now_s=now_s)
    if living.count == every.count:
        return []
    return found_rows(view, np.setdiff1d(every.rows(), living.rows(), assume_unique=True))


class RetentionSweeper:
    """Deletes what has expired, and names that have been kept long enough.

    Args:
        store: Where the galleries are.
        open_replicas: This process' replicas, with their galleries.
        times: When what is done.
        clock: Monotonic seconds, for the rate of purges alone.
    """

    def __init__(
        self,
        store: GalleryStore,
        open_replicas: Callable[[], Sequence[tuple[GalleryInfo, SweptReplica]]],
        times: RetentionTimes,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._open_replicas = open_replicas
        self._times = times
        self._clock = clock
        self._latest_s = -math.inf
        self._paused = False
        self._forgotten_seq: dict[str, int] = {}
        self._seen: set[str] = set()
        self._must_purge = False
        self._purged_s = clock()
        self.sweeps = 0
        self.deleted = 0
        self._thread = PeriodicThread("retention", self.sweep, every_s=times.sweep_every_s)

    @property
    def alive(self) -> bool:
        """Whether sweeps go on."""
        return self._thread.alive

    @property
    def paused(self) -> bool:
        """Whether it waits for the store's clock to catch up."""
        return self._paused

    def start(self) -> None:
        """Begin to sweep."""
        self._thread.start()

    def close(self) -> None:
        """Finish the sweep that runs, and stop."""
        self._thread.close()

    def sweep(self) -> None:
        """Delete what has expired now, in every gallery; without anything to do this does nothing.

        Raises:
            ReidError: When the store or a replica could not do its part; the next sweep goes on.
        """
        replicas = self._open_replicas()
        self._note_dropped({info.gallery_id for info, _ in replicas})
        now_s = self._store.now_s()
        if self._is_set_back(now_s, replicas):
            return
        for info, replica in replicas:
            deleted = delete_found(
                self._store, info.gallery_id, replica, lambda view: expired(view, now_s=now_s)
            )
            self.deleted += deleted.tracklets
        self._forget_names(now_s, replicas)
        if self._clock() - self._purged_s >= self._times.purge_every_s:
            self._forget_bytes(now_s, replicas)
        self.sweeps += 1

    def _note_dropped(self, held: set[str]) -> None:
        """What was dropped is still in the files; one that cannot be swept now counts as such."""
        dropped = self._seen - held
        self._must_purge = self._must_purge or bool(dropped)
        for gallery_id in dropped & self._forgotten_seq.keys():
            del self._forgotten_seq[gallery_id]
        self._seen = held

    def _is_set_back(
        self, now_s: float, replicas: Sequence[tuple[GalleryInfo, SweptReplica]]
    ) -> bool:
        if self._latest_s == -math.inf:
            # A clock that was set back while no sweeper ran shows in what replicas said before.
            for info, _ in replicas:
                seen = [mark.seen_s for mark in self._store.replicas(info.gallery_id)]
                self._latest_s = max([self._latest_s, *seen])
        paused = now_s < self._latest_s - MOST_SET_BACK_S
        if paused != self._paused:
            event = "retention_paused" if paused else "retention_resumed"
            log_event(logger, logging.WARNING, event, behind_s=round(self._latest_s - now_s))
        self._latest_s = max(self._latest_s, now_s)
        self._paused = paused
        return paused

    def _forget_names(
        self, now_s: float, replicas: Sequence[tuple[GalleryInfo, SweptReplica]]
    ) -> None:
        """A receipt stays as a proof, without the name, once the audit log has lost it too."""
        before_s = now_s - self._times.audit_s
        self._store.trim_audit(before_s=before_s)
        for info, _ in replicas:
            for receipt in self._store.receipts(info.gallery_id):
                named = receipt.identity is not None or receipt.tracklet_id is not None
                if named and receipt.final_s is not None and receipt.final_s < before_s:
                    self._store.save_receipt(replace(receipt, identity=None, tracklet_id=None))

    def _forget_bytes(
        self, now_s: float, replicas: Sequence[tuple[GalleryInfo, SweptReplica]]
    ) -> None:
        """Of galleries that were written to or dropped since the last time, or since the start."""
        for info, replica in replicas:
            seq = replica.view().state.seq
            if self._forgotten_seq.get(info.gallery_id) == seq or not replica.forget_dead():
                continue
            self._forgotten_seq[info.gallery_id] = seq
            # Kept until it is done: this gallery is not looked at again before its next write.
            self._must_purge = self._must_purge or self._is_first(info, replica, now_s)
        if self._must_purge:
            self._store.purge()
            self._must_purge = False
        self._purged_s = self._clock()

    def _is_first(self, info: GalleryInfo, replica: SweptReplica, now_s: float) -> bool:
        """Whether no other replica that runs comes before this one: one purge is enough for all."""
        marks = self._store.replicas(info.gallery_id)
        running = [mark.replica for mark in marks if not has_stopped(mark, now_s=now_s)]
        return replica.name == min([replica.name, *running])
