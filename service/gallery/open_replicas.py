"""This process' replicas: one of each gallery in use, with its approximate tier."""

import logging
import threading
from collections.abc import Callable, Collection

from service.errors import ReidError
from service.gallery.bounded_pool import gallery_stops
from service.gallery.index.approximate_tier import ApproximateTier
from service.gallery.index.planner import SwitchPoints
from service.gallery.periodic_thread import PeriodicThread
from service.gallery.replica.replica import GalleryReplica
from service.gallery.replica.replica_status import ReplicaStatus
from service.gallery.replica_opening import ReplicaOpening
from service.gallery.stores.protocol import GalleryInfo
from service.log import log_event

logger = logging.getLogger(__name__)

OpenReplica = Callable[[GalleryInfo], GalleryReplica]

_REFRESH_S = 10.0


class OpenReplicas:
    """Opens replicas when they are asked for, and sees to their approximate tiers.

    Args:
        open_replica: Makes the replica of a gallery, not started.
        switch_points: When searches of large galleries may be approximate.
        now_s: Unix seconds of the store's clock.
    """

    def __init__(
        self,
        open_replica: OpenReplica,
        switch_points: SwitchPoints,
        *,
        now_s: Callable[[], float],
    ) -> None:
        self._open_replica = open_replica
        self._switch_points = switch_points
        self._now_s = now_s
        self._lock = threading.Lock()
        self._open: dict[str, ReplicaOpening] = {}
        self._closed = False
        self._tiers = PeriodicThread("approximate", self._refresh_tiers, every_s=_REFRESH_S)

    def start(self) -> None:
        """Begin to see to approximate tiers."""
        self._tiers.start()

    def close(self) -> None:
        """Stop every replica; what is asked for later is refused."""
        with self._lock:
            self._closed = True
            opened, self._open = list(self._open.values()), {}
        for opening in opened:
            opening.stop()
        self._tiers.close()

    def opening(self, info: GalleryInfo) -> ReplicaOpening:
        """The replica of a gallery, which begins to start when there is none.

        Raises:
            NotReady: When this is closed.
        """
        with self._lock:
            if self._closed:
                raise gallery_stops()
            opening = self._open.get(info.gallery_id)
            if opening is not None and opening.failed:
                log_event(logger, logging.WARNING, "gallery_started_again")
                opening = None
            if opening is None:
                tier = ApproximateTier(self._switch_points)
                opening = ReplicaOpening(self._open_replica(info), tier)
                self._open[info.gallery_id] = opening
            return opening

    def take_all_but(self, gallery_ids: Collection[str]) -> list[ReplicaOpening]:
        """The replicas of all other galleries, which are the caller's from now on."""
        with self._lock:
            return [self._open.pop(one) for one in list(self._open) if one not in gallery_ids]

    def statuses(self) -> list[ReplicaStatus]:
        """How those replicas are that have started."""
        with self._lock:
            ended = [one for one in self._open.values() if one.ended and not one.failed]
        return [opening.replica(0).status() for opening in ended]

    def problem(self) -> str | None:
        """Why this process should not be sent requests; None where it may be.

        A gallery that is being read for the first time is no problem of the others.
        """
        if not self._tiers.alive:
            return "the thread that sees to approximate indexes has died; restart the service"
        with self._lock:
            ended = [opening for opening in self._open.values() if opening.ended]
        for opening in ended:
            try:
                status = opening.replica(0).status()
            except ReidError as error:
                return str(error)
            if not status.is_ready:
                return f"gallery {status.gallery!r}: {status.reason}"
        return None

    def _refresh_tiers(self) -> None:
        with self._lock:
            opened = list(self._open.values())
        for opening in opened:
            opening.refresh_approximate(now_s=self._now_s())
