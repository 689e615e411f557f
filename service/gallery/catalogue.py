"""Which galleries there are, under which names, and this process' replica of each in use."""

import threading
from dataclasses import dataclass, field

from service.gallery.erasable_gallery import ErasableGallery
from service.gallery.gallery_errors import CapacityExceeded, GalleryNotFound
from service.gallery.index.planner import SwitchPoints
from service.gallery.lost_galleries import LostGalleries
from service.gallery.open_gallery import OpenGallery
from service.gallery.open_replicas import OpenReplica, OpenReplicas
from service.gallery.periodic_thread import PeriodicThread
from service.gallery.records import check_identifier
from service.gallery.replica.replica_status import ReplicaStatus
from service.gallery.store_clock import StoreClock
from service.gallery.stores.protocol import GalleryInfo, GallerySpec, GalleryStore

_REFRESH_S = 0.5
"""How soon an alias that another process moved is followed here."""


@dataclass(frozen=True, slots=True)
class CatalogueLimits:
    """How many galleries there may be, and how long a request waits for one.

    Attributes:
        most_galleries: More are refused.
        opening_within_s: How long a request waits for a replica that is being started.
        visible_within_s: How long a write waits to be visible.
        switch_points: When searches of large galleries may be approximate.
    """

    most_galleries: int
    opening_within_s: float
    visible_within_s: float
    switch_points: SwitchPoints = field(default_factory=SwitchPoints)


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
        self._limits = limits
        self._names = _Names({}, {})
        self._refreshing = threading.Lock()
        self._lost = LostGalleries(store)
        self._replicas = OpenReplicas(open_replica, limits.switch_points, now_s=self.clock.now_s)
        self._keeper = PeriodicThread("catalogue", self.refresh, every_s=_REFRESH_S)

    def start(self) -> None:
        """Read the catalogue, and follow it from now on.

        Raises:
            StoreUnavailable: When the store does not answer.
        """
        self.refresh()
        self._keeper.start()
        self._replicas.start()

    def close(self) -> None:
        """Stop following, and stop every replica."""
        self._keeper.close()
        self._replicas.close()

    def refresh(self) -> None:
        """Read names and clock; replicas and snapshots of galleries that are gone go too.

        Raises:
            StoreUnavailable: When the store does not answer; what was known stays known.
        """
        with self._refreshing:  # or what was read earlier could be taken for what is there later
            self.clock.read()
            names = _read_names(self._store)
            held = {info.gallery_id for info in names.by_name.values()}
            self._lost.compare(self._names.by_name.values(), held)
            self._names = names
            gone = self._replicas.take_all_but(held)
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

    def knows(self, name: str) -> bool:
        """Whether it was there when the catalogue was read last; the store is not asked."""
        return self._names.find(name) is not None

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
        opening = self._replicas.opening(info)
        return OpenGallery(
            name=name,
            info=info,
            store=self._store,
            replica=opening.replica(wait_s),
            approximate=opening.approximate,
            clock=self.clock,
            visible_within_s=self._limits.visible_within_s,
        )

    def statuses(self) -> list[ReplicaStatus]:
        """How the replicas are that have started."""
        return self._replicas.statuses()

    def erasable(self, info: GalleryInfo, *, name: str) -> ErasableGallery:
        """What an erasure needs of a gallery.

        Args:
            info: Which gallery.
            name: Of this process' replicas.

        Raises:
            ReidError: As `named` does.
        """
        opening = self._replicas.opening(info)
        replica = opening.replica(self._limits.opening_within_s)
        return ErasableGallery(replica, opening.approximate, name=name)

    def open_all(self) -> None:
        """Start the replicas of all galleries, and wait for them.

        Raises:
            ReidError: What the first start raised that failed.
        """
        openings = [self._replicas.opening(info) for info in self._names.by_name.values()]
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
        self._replicas.opening(info)
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
        """Why this process should not be sent requests; None where it may be."""
        if not self._keeper.alive:
            return "the thread that follows the catalogue has died; restart the service"
        return self._lost.problem() or self._replicas.problem()


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
