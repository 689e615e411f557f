"""What this replica says of itself in the store: how far it has come, and what it has forgotten."""

import logging
import threading
from collections.abc import Callable
from dataclasses import replace

from service.gallery.gallery_errors import CapacityExceeded
from service.gallery.replica.log_trimming import trim_log
from service.gallery.replica.replica_options import ReplicaOptions
from service.gallery.stores.protocol import GalleryStore, ReplicaMark
from service.log import log_event

logger = logging.getLogger(__name__)

_IDLE_ROUNDS = 2
"""A mark that says nothing new is repeated so many times less often."""


class ReplicaMarks:
    """Keeps the mark of one replica; any thread may use it.

    Args:
        store: Where it is kept.
        gallery_id: Of which gallery.
        replica: Name of the replica.
        options: How often it is written.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        store: GalleryStore,
        gallery_id: str,
        replica: str,
        *,
        options: ReplicaOptions,
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._gallery_id = gallery_id
        self._options = options
        self._clock = clock
        self._changing = threading.Lock()
        self._mark = ReplicaMark(replica, 0, 0, 0, 0.0)
        self._saying = threading.Lock()
        self._said: ReplicaMark | None = None
        self._said_s = clock()

    @property
    def mark(self) -> ReplicaMark:
        """As it stands now, said or not; without its time."""
        return self._mark

    def recall(self) -> None:
        """Go on where an earlier process of this name stopped.

        Only before the first word of this process: what it said itself may be of writes that the
        store has lost since, and numbers of which mean other writes now.

        Raises:
            StoreUnavailable: When the store cannot be read.
        """
        if self._said is not None:
            return
        for mark in self._store.replicas(self._gallery_id):
            if mark.replica == self._mark.replica:
                self._change(forgotten_seq=mark.forgotten_seq)

    def pin(self, snapshot_seq: int) -> None:
        """Say at once that the log after this write is needed.

        Raises:
            StoreUnavailable: When the store cannot be written.
        """
        self._change(snapshot_seq=snapshot_seq)
        self._say()

    def applied(self, seq: int) -> None:
        """Searches see this write; it is said when it is time to.

        Raises:
            StoreUnavailable: When the store cannot be written.
        """
        self._change(applied_seq=seq)
        waited_s = self._clock() - self._said_s
        is_news = self._said is None or self._said != replace(self._mark, seen_s=self._said.seen_s)
        rounds = 1 if is_news else _IDLE_ROUNDS
        if waited_s >= rounds * self._options.mark_every_s:
            self._say()

    def snapshot_written(self, seq: int) -> None:
        """Say that a snapshot holds this write, and trim the log that nobody needs any more.

        Raises:
            StoreUnavailable: When the store cannot be read or written.
        """
        self._change(snapshot_seq=seq)
        trim_log(self._store, self._gallery_id, self._say(), self._options)

    def forgotten(self, seq: int) -> None:
        """Say that no byte is left of what writes up to this one replaced or deleted.

        Raises:
            StoreUnavailable: When the store cannot be written.
        """
        self._change(forgotten_seq=seq)
        self._say()

    def diverged(self) -> None:
        """Numbers of writes mean other writes from now on."""
        self._change(forgotten_seq=0)

    def _change(self, **fields: int) -> None:
        with self._changing:
            self._mark = replace(self._mark, **fields)  # type: ignore[arg-type]

    def _say(self) -> ReplicaMark:
        with self._saying:
            mark = replace(self._mark, seen_s=self._store.now_s())
            try:
                self._store.mark_replica(self._gallery_id, mark)
            except CapacityExceeded as error:
                # A full store keeps nobody from searching; the mark is said when there is room.
                log_event(logger, logging.WARNING, "mark_not_written", reason=str(error))
                self._said_s = self._clock()
            else:
                self._said, self._said_s = mark, self._clock()
        return mark
