"""One process's index of one gallery, kept equal to the store by a thread of its own."""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from service.errors import NotReady, ReidError
from service.gallery.directory_lock import DirectoryLock
from service.gallery.gallery_errors import StoreUnavailable
from service.gallery.index.view import View
from service.gallery.replica.replica_builder import ReplicaBuilder
from service.gallery.replica.replica_loop import ReplicaLoop
from service.gallery.replica.replica_marks import ReplicaMarks
from service.gallery.replica.replica_options import ReplicaOptions
from service.gallery.replica.replica_parts import ReplicaParts
from service.gallery.replica.replica_status import ReplicaStatus
from service.gallery.replica.served_index import ServedIndex
from service.gallery.replica.snapshot import SnapshotDirectory
from service.gallery.replica.snapshot_keeper import SnapshotKeeper
from service.gallery.replica.verify import verify_gallery
from service.gallery.replica.verify_report import VerifyReport
from service.gallery.stores.protocol import GalleryInfo, GalleryStore
from service.log import log_event

logger = logging.getLogger(__name__)

_RETRY_S = 0.005


class GalleryReplica:
    """Searches see what this holds; the store is the truth, and this is derived from it alone.

    Any thread may call any method between `start` and `stop`.

    Args:
        store: Open for as long as this is started.
        info: Which gallery.
        snapshot_dir: Holds the snapshots of all galleries of this process, and of no other.
        name: Of this process among those that share the store; no two may have the same.
        options: Times and sizes.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        store: GalleryStore,
        info: GalleryInfo,
        *,
        snapshot_dir: Path,
        name: str,
        options: ReplicaOptions | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.info = info
        self.name = name
        self._store = store
        self._options = options or ReplicaOptions()
        self._clock = clock
        self._served = ServedIndex(info.name, clock)
        self._snapshots = SnapshotDirectory(snapshot_dir, info)
        self._marks = ReplicaMarks(store, info.gallery_id, name, options=self._options, clock=clock)
        self._keeper = SnapshotKeeper(
            self._snapshots, self._options, clock=clock, written=self._marks.snapshot_written
        )
        parts = ReplicaParts(
            store,
            info,
            served=self._served,
            snapshots=self._snapshots,
            keeper=self._keeper,
            marks=self._marks,
            options=self._options,
            clock=clock,
        )
        self._builder = ReplicaBuilder(parts)
        self._loop = ReplicaLoop(parts, self._builder)
        self._lock: DirectoryLock | None = None
        self._starting = threading.Lock()
        self._thread = threading.Thread(target=self._loop.run, name="replica", daemon=True)

    def start(self) -> None:
        """Begin, and return when the gallery is served or `status` says why it is not.

        What was stopped before does not begin.

        Raises:
            StoreUnavailable: When another process has the directory of the snapshots.
        """
        with self._starting:
            if self._builder.stopping.is_set():
                return
            self._lock = DirectoryLock(self._snapshots.directory)
            self._snapshots.remove_garbage()
            self._thread.start()
        self._served.settled.wait()

    def stop(self) -> None:
        """Write a last snapshot, and end; what is not started never will be."""
        with self._starting:
            # A gallery may be dropped while its replica is only about to start.
            self._builder.stopping.set()
        if self._lock is None:
            self._served.withdraw("stopped", "the service stops")
            return
        self._thread.join()
        self._keeper.join()
        self._write_last_snapshot()
        self._served.withdraw("stopped", "the service stops")
        self._lock.release()
        self._lock = None

    def view(self) -> View:
        """What a search that starts now sees.

        Raises:
            NotReady: When nothing is served, with the reason.
        """
        return self._served.index().view

    def wait_for(self, seq: int, timeout_s: float) -> None:
        """Wait until searches see write `seq` and everything before it.

        Raises:
            ReplicaBehind: When it was not there in time.
            NotReady: When nothing is served, with the reason.
        """
        self._served.wait_for(seq, timeout_s)

    def catch_up(self, timeout_s: float) -> View:
        """A view that shows everything that the store has written until now.

        Raises:
            ReplicaBehind: When it was not there in time.
            NotReady: When nothing is served, with the reason.
            StoreUnavailable: When the store cannot be read.
        """
        return self._served.wait_for(self._store.state(self.info.gallery_id).seq, timeout_s)

    def status(self) -> ReplicaStatus:
        """How this replica is."""
        served, keeper = self._served, self._keeper
        index = served.index_or_none()
        reason = self._reason()
        saved, saved_s = keeper.saved, keeper.saved_s
        return ReplicaStatus(
            gallery=self.info.name,
            phase=served.phase,
            is_ready=not reason,
            reason=reason,
            state=None if index is None else index.view.state,
            stored_seq=served.stored_seq,
            stale_for_s=served.stale_for_s,
            snapshot_seq=0 if saved is None else saved.seq,
            snapshot_age_s=None if saved_s is None else self._clock() - saved_s,
            damaged=served.damaged,
            rebuilds=self._builder.rebuilds,
            divergences=self._loop.divergences,
            snapshots=keeper.count,
            snapshot_failures=keeper.failures,
        )

    def verify(self, timeout_s: float = 30.0) -> VerifyReport:
        """Read the whole store, and compare it with itself, the index and the snapshots.

        Args:
            timeout_s: How long to wait for the index to catch up, before and after.

        Raises:
            StoreUnavailable: When the store cannot be read.
        """
        view: View | NotReady
        try:
            view = self.catch_up(timeout_s)
        except NotReady as error:
            view = error
        with self._keeper.held():
            return verify_gallery(
                self._store,
                self.info,
                view=view,
                snapshots=self._snapshots,
                prove=lambda seq: self._served.wait_until_proved(seq, timeout_s),
            )

    def snapshot(self) -> None:
        """Write a snapshot of what is served now.

        Raises:
            NotReady: When nothing is served.
            SnapshotFailed: When it could not be written.
        """
        self._keeper.write(self.view(), self._served.damaged_ids())

    @property
    def forgotten_seq(self) -> int:
        """No byte of what writes up to this one replaced or deleted is in memory or snapshots."""
        return self._marks.mark.forgotten_seq

    def forget_dead(
        self, within_s: float = 5.0, *, in_copies: Callable[[View], None] = lambda _: None
    ) -> bool:
        """Overwrite in memory, and remove from the disk, what was replaced or deleted until now.

        Args:
            within_s: How long to wait for searches that read older views.
            in_copies: Does the same with what others have made of the rows of the newest view.

        Returns:
            Whether that is done, and `forgotten_seq` says up to where; False while a search still
            reads an older view.

        Raises:
            NotReady: When nothing is served.
            SnapshotFailed: When the snapshots could not be replaced.
            StoreUnavailable: When the store could not be told.
        """
        with self._keeper.held():
            view = self._without_dead(within_s)
            if view is None:
                return False
            in_copies(view)
            self._keeper.write(view, self._served.damaged_ids(), kept=1)
            self._marks.forgotten(view.state.seq)
        return True

    def discard(self) -> None:
        """Stop, and remove every snapshot if the gallery was dropped.

        Where the store has lost it, they may be all that is left of it, and stay.
        """
        self.stop()
        try:
            was_dropped = self._store.was_dropped(self.info.gallery_id)
        except StoreUnavailable:
            was_dropped = False
        if was_dropped:
            self._snapshots.remove()
        else:
            log_event(logger, logging.WARNING, "snapshots_kept", gallery=self.info.name)

    def _without_dead(self, within_s: float) -> View | None:
        until_s = time.monotonic() + within_s
        while True:
            with self._builder.writing:
                index = self._served.index()
                if index.zero_dead_slots():
                    return index.view
            if time.monotonic() >= until_s:
                return None
            time.sleep(_RETRY_S)

    def _write_last_snapshot(self) -> None:
        index = self._served.index_or_none()
        if index is None or not self._keeper.is_dirty(index.view.state):
            return
        try:
            self.snapshot()
        except ReidError:
            return  # Counted and logged; the next start takes longer.

    def _reason(self) -> str:
        """Why it is not ready; empty when it is."""
        served = self._served
        if served.index_or_none() is None:
            return f"{served.phase}: {served.reason}"
        if not self._thread.is_alive():
            return "its thread has ended"
        if served.stale_for_s > self._options.stale_after_s:
            return "the store has not been heard of for too long"
        if served.stored_seq - self.view().state.seq > self._options.most_lag:
            return "too many writes have not been applied"
        return ""
