"""When snapshots are written, by whom, and what of the log may then be forgotten."""

import logging
import threading
from collections.abc import Callable

from service.errors import ReidError
from service.gallery.index.view import View
from service.gallery.replica.frozen_snapshot import content_of
from service.gallery.replica.replica_options import ReplicaOptions
from service.gallery.replica.snapshot import KEPT, SnapshotDirectory
from service.gallery.stores.protocol import GalleryState
from service.log import log_event

logger = logging.getLogger(__name__)


class SnapshotKeeper:
    """Writes snapshots of one gallery, one at a time.

    Args:
        snapshots: Where they are.
        options: How often.
        clock: Monotonic seconds.
        written: Told the last write in each snapshot; may raise errors of the store.
    """

    def __init__(
        self,
        snapshots: SnapshotDirectory,
        options: ReplicaOptions,
        *,
        clock: Callable[[], float],
        written: Callable[[int], None],
    ) -> None:
        self._snapshots = snapshots
        self._options = options
        self._clock = clock
        self._written = written
        self._writing = threading.RLock()
        self._thread: threading.Thread | None = None
        self._attempted_s: float | None = None
        self.saved: GalleryState | None = None
        """What the newest snapshot holds; None without one that can be used."""
        self.saved_s: float | None = None
        self.count = 0
        self.failures = 0

    def loaded(self, state: GalleryState | None) -> None:
        """The index starts from the snapshot of this state; None for one that is of no use."""
        self.saved, self.saved_s = state, None
        self._attempted_s = None if state is None else self._clock()

    def start_if_due(self, view: View, quarantined: tuple[str, ...]) -> None:
        """Begin to write a snapshot on a thread of its own, when it is time for one."""
        if self._is_due(view.state) and not (self._thread and self._thread.is_alive()):
            self._attempted_s = self._clock()
            self._thread = threading.Thread(
                target=self._try_to_write, args=(view, quarantined), name="snapshot"
            )
            self._thread.start()

    def write(self, view: View, quarantined: tuple[str, ...], *, kept: int = KEPT) -> None:
        """Write a snapshot of this view now, and remove older ones.

        Args:
            view: What to write.
            quarantined: Ids of damaged rows.
            kept: How many snapshots to keep.

        Raises:
            SnapshotFailed: When that was not possible.
        """
        with self._writing:
            self._attempted_s = self._clock()
            try:
                self._snapshots.write(content_of(view, quarantined=quarantined))
                self._snapshots.forget_all_but(self._snapshots.newest_first()[:kept])
            except ReidError as error:
                self.failures += 1
                log_event(logger, logging.ERROR, "snapshot_failed", reason=str(error))
                raise
            self.saved, self.saved_s = view.state, self._clock()
            self.count += 1
            log_event(logger, logging.INFO, "snapshot_written", tracklets=view.state.tracklets)
            self._tell(view.state.seq)

    def held(self) -> threading.RLock:
        """Held while a snapshot is written; who holds it keeps others from being written."""
        return self._writing

    def join(self) -> None:
        """Wait for the snapshot that is being written."""
        if self._thread is not None:
            self._thread.join()

    def is_dirty(self, state: GalleryState) -> bool:
        """Whether the newest snapshot is of another state."""
        return self.saved != state

    def _try_to_write(self, view: View, quarantined: tuple[str, ...]) -> None:
        try:
            self.write(view, quarantined)
        except ReidError:
            return  # Counted and logged; the next attempt comes by itself.
        except Exception as error:  # noqa: BLE001 whatever it is, searches go on
            self.failures += 1
            log_event(logger, logging.ERROR, "snapshot_failed", error=error, reason=str(error))

    def _is_due(self, state: GalleryState) -> bool:
        if not self.is_dirty(state) or state.seq == 0:
            return False
        waited_s = None if self._attempted_s is None else self._clock() - self._attempted_s
        if waited_s is None or waited_s >= self._options.snapshot_every_s:
            return True
        writes = state.seq - (self.saved.seq if self.saved else 0)
        is_much = self.saved is None or writes >= self._options.snapshot_every_writes
        return is_much and waited_s >= self._options.snapshot_retry_s

    def _tell(self, seq: int) -> None:
        try:
            self._written(seq)
        except ReidError as error:
            log_event(logger, logging.WARNING, "log_not_trimmed", reason=str(error))
