"""The gallery as the service uses it: enroll, read, forget and search, from any number of tasks."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from service.errors import InvalidQuery, ReidError
from service.gallery.cursor import cursor_after, last_id
from service.gallery.filters import EVERYTHING, TrackletFilter
from service.gallery.flat_index import FlatIndex
from service.gallery.grouping import GroupBy, best_hits
from service.gallery.indexed_gallery import IndexedGallery, OpenGalleries
from service.gallery.owner_thread import OwnerThread
from service.gallery.records import (
    TrackletMetadata,
    TrackletRecord,
    check_embedding,
    check_identifier,
)
from service.gallery.store import GalleryModel, GalleryStore

DEFAULT_GALLERY = "default"

_MOST_WAITING = 1024
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """How to rank.

    Attributes:
        top_k: Matches at most.
        exclude_same_camera: Leave out tracklets of the query's camera, which must then be known.
        query_camera: The query's camera; of an enrolled query, the gallery knows it.
        filter: Which tracklets may match.
        group_by: Whether each match is a tracklet, or an identity by its best tracklet.
        min_similarity: Least cosine of a match, itself included.

    Raises:
        InvalidQuery: When `top_k` is below 1.
    """

    top_k: int = 10
    exclude_same_camera: bool = False
    query_camera: str | None = None
    filter: TrackletFilter = EVERYTHING
    group_by: GroupBy = "tracklet"
    min_similarity: float | None = None

    def __post_init__(self) -> None:
        """Refuse to look for nothing."""
        _require_positive("top_k", self.top_k)


@dataclass(frozen=True, slots=True)
class Match:
    """A tracklet found; `rank` counts from 1 and `similarity` is the cosine."""

    rank: int
    similarity: float
    tracklet_id: str
    metadata: TrackletMetadata


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Matches, best first, among `searched` tracklets that passed the filter, at write `seq`."""

    matches: tuple[Match, ...]
    searched: int
    seq: int


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A durable write that every later search sees; `created` unless it replaced an earlier one."""

    tracklet_id: str
    seq: int
    created: bool


@dataclass(frozen=True, slots=True)
class Page:
    """Records by id; `next_cursor` is None on the last page."""

    records: tuple[TrackletRecord, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class GalleryHealth:
    """Whether the index equals the store; of the gallery `default`."""

    ready: bool
    reason: str | None
    tracklets: int
    seq: int


class GalleryService:
    """Owns the store, the indexes, and the one thread on which both are used.

    Every call names a gallery and raises `GalleryNotFound` where there is none of that name,
    `ModelMismatch` where it holds embeddings of another model, `StoreUnavailable` where the store
    cannot be read or written, `Overloaded` where too many calls wait, and `NotReady` when closed.
    A cancelled call is done whole or not at all.

    Args:
        store: Opened by `start` and closed by `close`.
        fingerprint: Of the model that is running.
        dimension: Of its embeddings.
        search_threads: Threads of one search.
    """

    def __init__(
        self, store: GalleryStore, *, fingerprint: str, dimension: int, search_threads: int
    ) -> None:
        self._store = store
        self._model = GalleryModel(fingerprint, dimension)
        self._galleries = OpenGalleries(store, model=self._model, threads=search_threads)
        self._thread = OwnerThread("gallery", most_waiting=_MOST_WAITING)

    async def start(self) -> None:
        """Open the store and build the index of the gallery `default`, created when missing.

        A gallery of another model does not stop the start: `health` and every call say so.

        Raises:
            StoreUnavailable: When the store is in use, of a newer release, or damaged.
            ReidError: When this build of FAISS ignores filters.
        """
        await self._thread.run(lambda: self._galleries.open(DEFAULT_GALLERY))

    async def close(self) -> None:
        """Finish the calls that wait, then let go of the store."""
        await self._thread.close(self._store.close)

    async def enroll(
        self,
        gallery: str,
        tracklet_id: str,
        embedding: NDArray[np.float32],
        metadata: TrackletMetadata,
    ) -> Enrolled:
        """Enroll embedding [d] with its metadata, or replace both.

        Raises:
            InvalidIdentifier: When the id is none.
            InvalidEmbedding: When the embedding cannot be one of this model.
        """
        check_identifier("tracklet id", tracklet_id)
        checked = check_embedding(embedding, self._model.dimension)
        put = await self._on(
            gallery, lambda held: held.put(tracklet_id, embedding=checked, metadata=metadata)
        )
        return Enrolled(tracklet_id, put.record.seq, put.created)

    async def get(self, gallery: str, tracklet_id: str) -> TrackletRecord:
        """What is stored of a tracklet.

        Raises:
            TrackletNotFound: When it is not enrolled.
        """
        check_identifier("tracklet id", tracklet_id)
        return await self._on(gallery, lambda _: self._store.get(gallery, tracklet_id))

    async def delete(self, gallery: str, tracklet_id: str) -> int:
        """Forget a tracklet; the `seq` of the write.

        Raises:
            TrackletNotFound: When it is not enrolled.
        """
        check_identifier("tracklet id", tracklet_id)
        return (await self._on(gallery, lambda held: held.delete(tracklet_id))).seq

    async def delete_identity(self, gallery: str, identity: str) -> int:
        """Forget every tracklet of an identity; how many there were.

        Raises:
            IdentityNotFound: When there is none.
        """
        check_identifier("identity", identity)
        forgotten = await self._on(gallery, lambda held: held.delete_identity(identity))
        return len(forgotten.tracklet_ids)

    async def page(
        self, gallery: str, chosen: TrackletFilter, cursor: str | None, limit: int
    ) -> Page:
        """Up to `limit` records that pass the filter, by id, after those of the page before.

        A tracklet that is enrolled from the first page to the last is on exactly one of them.

        Raises:
            InvalidQuery: When the cursor is not one of ours, or `limit` is below 1.
        """
        _require_positive("limit", limit)
        after = None if cursor is None else last_id(cursor)
        records = await self._on(
            gallery, lambda _: self._store.page(gallery, chosen, after=after, limit=limit + 1)
        )
        shown = records[:limit]
        return Page(shown, cursor_after(shown[-1].tracklet_id) if len(records) > limit else None)

    async def search(
        self, gallery: str, embedding: NDArray[np.float32], options: SearchOptions
    ) -> SearchResult:
        """The tracklets or identities nearest to embedding [d]; exact under every filter.

        Raises:
            InvalidEmbedding: When the embedding cannot be one of this model.
            InvalidQuery: When the same camera is to be left out and is not known.
        """
        query = check_embedding(embedding, self._model.dimension)
        return await self._on(gallery, lambda held: _search(held.index(), query, options))

    async def search_tracklet(
        self, gallery: str, tracklet_id: str, options: SearchOptions
    ) -> SearchResult:
        """As `search`, by an enrolled tracklet, which is not among its own matches.

        The query's camera is the tracklet's own; the options' only where that is not known.

        Raises:
            TrackletNotFound: When it is not enrolled.
            InvalidQuery: When the same camera is to be left out and is not known.
        """
        return await self._on(
            gallery, lambda held: _search_tracklet(held.index(), tracklet_id, options)
        )

    async def health(self) -> GalleryHealth:
        """Compare index and store; an index that differs is built again first."""
        try:
            state = await self._on(DEFAULT_GALLERY, lambda held: held.verified_state())
        except ReidError as error:
            return GalleryHealth(ready=False, reason=str(error), tracklets=0, seq=0)
        return GalleryHealth(ready=True, reason=None, tracklets=state.tracklets, seq=state.seq)

    async def _on(self, gallery: str, work: Callable[[IndexedGallery], _T]) -> _T:
        check_identifier("gallery", gallery)
        return await self._thread.run(lambda: work(self._galleries.named(gallery)))


def _search(
    index: FlatIndex,
    query: NDArray[np.float32],
    options: SearchOptions,
    *,
    asked_by: str | None = None,
) -> SearchResult:
    filters = [options.filter, TrackletFilter(exclude_tracklet=asked_by)]
    if options.exclude_same_camera:
        filters.append(TrackletFilter(exclude_camera=_known_camera(options)))
    selected = index.select(filters)
    hits = best_hits(
        lambda k: index.nearest(query, selected, k),
        top_k=options.top_k,
        group_by=options.group_by,
        min_similarity=options.min_similarity,
    )
    matches = tuple(
        Match(rank, hit.similarity, hit.tracklet_id, hit.metadata)
        for rank, hit in enumerate(hits, start=1)
    )
    return SearchResult(matches, int(np.count_nonzero(selected)), index.state.seq)


def _search_tracklet(index: FlatIndex, tracklet_id: str, options: SearchOptions) -> SearchResult:
    camera = index.metadata(tracklet_id).camera
    known = replace(options, query_camera=camera or options.query_camera)
    return _search(index, index.embedding(tracklet_id), known, asked_by=tracklet_id)


def _known_camera(options: SearchOptions) -> str:
    if options.query_camera is None:
        raise InvalidQuery(
            expected="the query's camera, for `exclude_same_camera`",
            received="a query whose camera is not known",
            remedy="send `camera`, or leave `exclude_same_camera` out",
        )
    return options.query_camera


def _require_positive(name: str, value: int) -> None:
    if value < 1:
        raise InvalidQuery(
            expected=f"`{name}` of at least 1", received=str(value), remedy="ask for more"
        )
