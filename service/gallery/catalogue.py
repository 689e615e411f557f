"""Which galleries there are, under which names, and this process' replica of each in use."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from service.errors import CapacityExceeded, GalleryNotFound, NotReady, ReidError
from service.gallery.open_gallery import OpenGallery
from service.gallery.periodic_thread import PeriodicThread
from service.gallery.records import check_identifier
from service.gallery.replica.replica import GalleryReplica
from service.gallery.replica_opening import ReplicaOpening
from service.gallery.store_clock import StoreClock
from service.gallery.stores.protocol import GalleryInfo, GallerySpec, GalleryStore
from service.log import log_event

logger = logging.getLogger(__name__)

OpenReplica = Callable[[GalleryInfo], GalleryReplica]

_REFRESH_S = 0.5
"""How soon an alias that another process moved is followed here."""


@dataclass(frozen=True, slots=True)
class CatalogueLimits:
    """How many galleries there may be, and how long a request waits for one.

    Attributes:
        most_galleries: More are refused.
        opening_within_s: How long a request waits for a replica that is being started.
        visible_within_s: How long a write waits to be visible.
    """

    most_galleries: int
    opening_within_s: float
    visible_within_s: float


@dataclass(frozen=True, slots=True)
class _Names:
    """The catalogue as last read."""

    by_name: dict[str, GalleryInfo]
    by_alias: dict[str, GalleryInfo]

    def find(self, name: str) -> GalleryInfo | None:
        return self.by_name.get(name) or self.by_alias.get(name)


class Catalogue:
    """Follows the store's catalogue, and opens a replica of each gallery that is asked for.

    Args:
        store: Whose galleries; it is open.
        open_replica: Makes the replica of a gallery, not started.
        limits: What to refuse, and how long to wait.
    """

    def __init__(
        self, store: GalleryStore, open_replica: OpenReplica, limits: CatalogueLimits
    ) -> None:
        self.clock = StoreClock(store)
        self._store = store
        self._open_replica = open_replica
        self._limits = limits
        self._names = _Names({}, {})
        self._refreshing = threading.Lock()
        self._lock = threading.Lock()
        self._open: dict[str, ReplicaOpening] = {}
        self._closed = False
        self._keeper = PeriodicThread("catalogue", self.refresh, every_s=_REFRESH_S)

    @property
    def alive(self) -> bool:
        """Whether the store's catalogue is being followed."""
        return self._keeper.alive

    def start(self) -> None:
        """Read the catalogue, and follow it from now on.

        Raises:
            StoreUnavailable: When the store does not answer.
        """
        self.refresh()
        self._keeper.start()

    def close(self) -> None:
        """Stop following, and stop every replica."""
        self._keeper.close()
        with self._lock:
            self._closed = True
            opened, self._open = list(self._open.values()), {}
        for opening in opened:
            opening.stop()

    def refresh(self) -> None:
        """Read names and clock; replicas and snapshots of galleries that are gone go too.

        Raises:
            StoreUnavailable: When the store does not answer; what was known stays known.
        """
        with self._refreshing:  # or what was read earlier could be taken for what is there later
            self.clock.read()
            self._names = names = _read_names(self._store)
            held = {info.gallery_id for info in names.by_name.values()}
            with self._lock:
                gone = [self._open.pop(one) for one in list(self._open) if one not in held]
        for opening in gone:
            opening.discard()

    def infos(self) -> list[GalleryInfo]:
        """Every gallery, by name."""
        self.refresh()
        return [self._names.by_name[name] for name in sorted(self._names.by_name)]

    def aliases(self) -> dict[str, GalleryInfo]:
        """From alias to gallery, by alias."""
        self.refresh()
        return dict(sorted(self._names.by_alias.items()))

    def info(self, name: str) -> GalleryInfo:
        """The gallery of this name or alias.

        Raises:
            InvalidIdentifier: When nothing can have this name.
            GalleryNotFound: When there is none.
        """
        check_identifier("gallery", name)
        found = self._names.find(name)
        if found is None:
            self.refresh()
            found = self._names.find(name)
        if found is None:
            raise _not_found(name)
        return found

    def named(self, name: str, *, within_s: float | None = None) -> OpenGallery:
        """The gallery of this name or alias with its replica, which is started when it is not.

        Args:
            name: Of the gallery.
            within_s: How long to wait for the replica; None for as long as the limits say.

        Raises:
            GalleryNotFound: When there is none.
            NotReady: When the replica is still starting; the next request finds it further.
            ReidError: When the replica could not start; the next request tries again.
        """
        info = self.info(name)
        wait_s = self._limits.opening_within_s if within_s is None else within_s
        replica = self._opening(info).replica(wait_s)
        return OpenGallery(
            name, info, self._store, replica, self.clock, self._limits.visible_within_s
        )

    def replica_of(self, info: GalleryInfo) -> GalleryReplica:
        """The started replica of a gallery.

        Raises:
            ReidError: As `named` does.
        """
        return self._opening(info).replica(self._limits.opening_within_s)

    def open_all(self) -> None:
        """Start the replicas of all galleries, and wait for them.

        Raises:
            ReidError: What the first start raised that failed.
        """
        openings = [self._opening(info) for info in self._names.by_name.values()]
        for opening in openings:
            opening.replica(None)

    def create(self, name: str, spec: GallerySpec) -> tuple[GalleryInfo, bool]:
        """Create an empty gallery; whether it is new: the same may be asked for again.

        Raises:
            InvalidIdentifier: When nothing can have this name.
            CapacityExceeded: When there are too many.
            GalleryExists: When the name is another gallery's, or an alias.
        """
        check_identifier("gallery", name)
        self.refresh()
        known = self._names.by_name.get(name)
        if known is None and len(self._names.by_name) >= self._limits.most_galleries:
            raise CapacityExceeded(
                expected=f"at most {self._limits.most_galleries} galleries",
                received="one more",
                remedy="delete one that is not used, or raise REID_MAX_GALLERIES",
            )
        info = self._store.create_gallery(name, spec)
        self.refresh()
        self._opening(info)
        return info, known is None or known.gallery_id != info.gallery_id

    def drop(self, name: str) -> GalleryInfo:
        """Delete the gallery of this name, which is no alias, with all that is in it.

        Raises:
            GalleryNotFound: When there is none of this name.
        """
        check_identifier("gallery", name)
        self.refresh()
        info = self._names.by_name.get(name)
        if info is None:
            raise _not_found(name)
        self._store.drop_gallery(info.gallery_id)
        self.refresh()
        return info

    def point_alias(self, alias: str, name: str) -> GalleryInfo:
        """Point the alias at the gallery of this name or alias.

        Raises:
            InvalidIdentifier: When nothing can have this name.
            GalleryNotFound: When there is no such gallery.
            GalleryExists: When a gallery has the alias for its name.
        """
        check_identifier("alias", alias)
        self.refresh()
        info = self.info(name)
        self._store.set_alias(alias, info.gallery_id)
        self.refresh()
        return info

    def remove_alias(self, alias: str) -> None:
        """Remove an alias.

        Raises:
            GalleryNotFound: When there is none of this name.
        """
        check_identifier("alias", alias)
        self.refresh()
        if alias not in self._names.by_alias:
            raise _not_found(alias)
        self._store.set_alias(alias, None)
        self.refresh()

    def problem(self) -> str | None:
        """Why this process should not be sent requests; None where it may be.

        A gallery that is being read for the first time is no problem of the others.
        """
        if not self.alive:
            return "the thread that follows the catalogue has died; restart the service"
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

    def _opening(self, info: GalleryInfo) -> ReplicaOpening:
        with self._lock:
            if self._closed:
                raise NotReady(
                    expected="a running gallery",
                    received="a request while the service stops",
                    remedy="send the request again later",
                    retry_after_s=1,
                )
            opening = self._open.get(info.gallery_id)
            if opening is None or opening.failed:
                if opening is not None:
                    log_event(logger, logging.WARNING, "gallery_started_again")
                opening = ReplicaOpening(self._open_replica(info))
                self._open[info.gallery_id] = opening
            return opening


def _read_names(store: GalleryStore) -> _Names:
    infos = store.galleries()
    by_id = {info.gallery_id: info for info in infos}
    aliases = store.aliases().items()
    return _Names(
        {info.name: info for info in infos},
        {alias: by_id[gallery_id] for alias, gallery_id in aliases if gallery_id in by_id},
    )


def _not_found(name: str) -> GalleryNotFound:
    return GalleryNotFound(
        expected="the name or alias of a gallery",
        received=repr(name),
        remedy="POST /galleries creates one; GET /galleries lists them",
    )
