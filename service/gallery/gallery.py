"""The gallery as the service uses it: enroll, read, forget and search, from any number of tasks."""

import asyncio
import logging
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from service.errors import ReidError
from service.gallery.bounded_pool import BoundedPool
from service.gallery.catalogue import Catalogue
from service.gallery.enrolment import BatchRequest, Enrolment, write_batch
from service.gallery.gallery_errors import GalleryNotFound
from service.gallery.gallery_options import GalleryOptions
from service.gallery.open_gallery import Acknowledged, OpenGallery
from service.gallery.open_replicas import OpenReplica
from service.gallery.ranking.search import SearchOptions, SearchResult, search_tracklet, search_view
from service.gallery.records import TrackletRecord, check_embedding, check_identifier
from service.gallery.replica.start_guard import require_no_lost_gallery
from service.gallery.stored_record import stored_record
from service.gallery.stores.batch import IdempotencyKey
from service.gallery.stores.protocol import GalleryInfo, GalleryModel, GallerySpec, GalleryStore
from service.log import log_event

logger = logging.getLogger(__name__)

DEFAULT_GALLERY = "default"

Named: TypeAlias = str | OpenGallery
"""A gallery by name or alias, or one that a request has resolved already."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Answered(Generic[_T]):
    """A result, and the gallery that the name meant when the request came."""

    gallery: GalleryInfo
    value: _T


@dataclass(frozen=True, slots=True)
class GalleryHealth:
    """Whether requests should come here; tracklets and `seq` are of the gallery `default`."""

    ready: bool
    reason: str | None
    tracklets: int
    seq: int


class GalleryService:
    """Owns the store, the replicas, and the threads on which both are used.

    Every call names a gallery, by name or alias, and raises `GalleryNotFound` where there is none,
    `NotReady` while it is being read or the service stops, `StoreUnavailable` where the store
    cannot do its part, and `Overloaded` where too many calls wait. A call that is cancelled is done
    whole or not at all.

    Args:
        store: Opened by `start` and closed by `close`.
        model: The one that is running.
        open_replica: Makes the replica of a gallery, not started.
        options: Bounds and waits.
    """

    def __init__(
        self,
        store: GalleryStore,
        *,
        model: GalleryModel,
        open_replica: OpenReplica,
        options: GalleryOptions,
    ) -> None:
        self.store = store
        self.model = model
        self.options = options
        self.catalogue = Catalogue(store, open_replica, options.catalogue)
        waiting, writes = options.most_waiting_searches, options.most_waiting_writes
        self._reads = BoundedPool("reads", threads=options.read_threads, most_waiting=waiting)
        self._searches = BoundedPool(
            "searches", threads=options.search_threads, most_waiting=waiting, stage="search"
        )
        self._writes = BoundedPool("writes", threads=options.write_threads, most_waiting=writes)

    def of_model(self, model: GalleryModel) -> "GalleryService":
        """The same galleries for requests that embed with another model; closed with this."""
        other = copy(self)
        other.model = model
        return other

    async def start(self) -> None:
        """Open the store and read every gallery; `default` is created when it is missing.

        Galleries of another model do not stop the start: enrolling and searching there does.

        Raises:
            StoreUnavailable: When the store cannot be used safely.
            ReidError: When a gallery cannot be read.
        """
        await asyncio.to_thread(self._start)

    async def close(self) -> None:
        """Finish the calls that wait, snapshot and stop the replicas, and let go of the store."""
        # A cancelled caller must not leave the store open behind it.
        await asyncio.shield(asyncio.ensure_future(self._close()))

    async def enroll(
        self, gallery: str, enrolment: Enrolment, *, idempotency: IdempotencyKey | None = None
    ) -> Answered[Acknowledged]:
        """Enroll a tracklet, or put it in place of the one with its id.

        Raises:
            InvalidIdentifier: When the id is none.
            InvalidEmbedding: When the embedding cannot be one of this model.
            ModelMismatch: When the gallery is of another model.
            SeqConflict: When its `if_seq` does not hold.
            IdempotencyConflict: When the key belongs to another request.
        """
        upsert = enrolment.checked(self.model.dimension)
        return await self.write(
            gallery, lambda held: held.write([upsert], idempotency), of_this_model=True
        )

    async def write_batch(self, gallery: str, request: BatchRequest) -> Answered[Acknowledged]:
        """Enroll and delete in one write, or not at all; raises as `enroll` does."""
        return await self.write(
            gallery, lambda held: write_batch(held, request), of_this_model=True
        )

    async def get(
        self, gallery: str, tracklet_id: str, *, min_seq: int | None = None
    ) -> Answered[TrackletRecord]:
        """What is stored of a tracklet.

        Raises:
            TrackletNotFound: When it is not enrolled, or has expired.
            StoreUnavailable: When what is stored is damaged.
        """
        check_identifier("tracklet id", tracklet_id)

        def stored(held: OpenGallery) -> TrackletRecord:
            if min_seq is not None:
                held.replica.wait_for(min_seq, self.options.min_seq_within_s)
            return stored_record(held, tracklet_id)

        return await self.read(gallery, stored)

    async def search(
        self,
        gallery: str,
        embedding: NDArray[np.float32],
        options: SearchOptions,
        *,
        min_seq: int | None = None,
    ) -> Answered[SearchResult]:
        """The tracklets or identities nearest to embedding [d].

        Raises:
            InvalidEmbedding: When the embedding cannot be one of this model.
            ModelMismatch: When the gallery is of another model.
            InvalidQuery: When the options need what is not known of the query.
            ReplicaBehind: When write `min_seq` is not visible here in time.
        """
        query = check_embedding(embedding, self.model.dimension)
        return await self._search(
            gallery,
            lambda held: search_view(
                held.replica.view(),
                query,
                options,
                now_s=held.now_s(),
                approximate=held.approximate,
            ),
            min_seq,
        )

    async def search_tracklet(
        self,
        gallery: str,
        tracklet_id: str,
        options: SearchOptions,
        *,
        min_seq: int | None = None,
    ) -> Answered[SearchResult]:
        """As `search`, by an enrolled tracklet, which is not among its own matches.

        Raises:
            TrackletNotFound: When it is not enrolled.
        """
        check_identifier("tracklet id", tracklet_id)
        return await self._search(
            gallery,
            lambda held: search_tracklet(
                held.replica.view(),
                tracklet_id,
                options,
                now_s=held.now_s(),
                approximate=held.approximate,
            ),
            min_seq,
        )

    async def open(self, gallery: str, *, of_this_model: bool = False) -> OpenGallery:
        """The gallery that the name means now, for a request of several steps.

        Args:
            gallery: Its name or alias.
            of_this_model: Whether it must be of the running model.

        Raises:
            ModelMismatch: When it must, and is not.
        """
        return await self._reads.run(lambda: self._held(gallery, of_this_model=of_this_model))

    async def read(self, gallery: Named, work: Callable[[OpenGallery], _T]) -> Answered[_T]:
        """The result of `work`, which reads the gallery, on a thread for reads."""
        return await self._reads.run(lambda: _on(self._held(gallery), work))

    async def write(
        self, gallery: Named, work: Callable[[OpenGallery], _T], *, of_this_model: bool = False
    ) -> Answered[_T]:
        """The result of `work`, which changes the gallery, on a thread for writes.

        Args:
            gallery: Its name or alias, or what `open` gave.
            work: Done whole once it has begun.
            of_this_model: As in `open`.
        """
        return await self._writes.run(
            lambda: _on(self._held(gallery, of_this_model=of_this_model), work)
        )

    async def manage(self, work: Callable[[Catalogue], _T]) -> _T:
        """The result of `work`, which reads or changes the catalogue, on a thread for writes."""
        return await self._writes.run(lambda: work(self.catalogue))

    async def in_thread(self, work: Callable[[], _T]) -> _T:
        """The result of `work`, which needs no gallery or has it already, on a thread for reads."""
        return await self._reads.run(work)

    async def health(self) -> GalleryHealth:
        """Whether requests should come here."""
        problem = self.catalogue.problem()
        if not self.catalogue.knows(DEFAULT_GALLERY):
            return GalleryHealth(problem is None, problem, 0, 0)
        try:
            state = self.catalogue.named(DEFAULT_GALLERY, within_s=0).replica.view().state
        except ReidError as error:
            return GalleryHealth(ready=False, reason=problem or str(error), tracklets=0, seq=0)
        return GalleryHealth(problem is None, problem, state.tracklets, state.seq)

    async def _search(
        self, gallery: str, work: Callable[[OpenGallery], SearchResult], min_seq: int | None
    ) -> Answered[SearchResult]:
        if min_seq is not None:
            # Not on a thread for searches, which this may keep waiting.
            within_s = self.options.min_seq_within_s
            await self.read(gallery, lambda held: held.replica.wait_for(min_seq, within_s))
        return await self._searches.run(lambda: _on(self._held(gallery, of_this_model=True), work))

    def _held(self, gallery: Named, *, of_this_model: bool = False) -> OpenGallery:
        held = self.catalogue.named(gallery) if isinstance(gallery, str) else gallery
        if of_this_model:
            held.require_model(self.model)
        return held

    def _start(self) -> None:
        self.store.open()
        require_no_lost_gallery(
            self.store, self.options.snapshot_dir, accept_loss=self.options.accept_loss
        )
        self.catalogue.start()
        try:
            self.catalogue.info(DEFAULT_GALLERY)
        except GalleryNotFound:
            self.catalogue.create(DEFAULT_GALLERY, GallerySpec(self.model))
        strangers = sum(info.spec.model != self.model for info in self.catalogue.infos())
        if strangers:
            log_event(logger, logging.WARNING, "galleries_of_another_model", galleries=strangers)
        self.catalogue.open_all()

    async def _close(self) -> None:
        for pool in (self._searches, self._reads, self._writes):
            await pool.close()
        await asyncio.to_thread(self.catalogue.close)
        await asyncio.to_thread(self.store.close)


def _on(held: OpenGallery, work: Callable[[OpenGallery], _T]) -> Answered[_T]:
    return Answered(held.info, work(held))
