"""Tracklets as the gallery holds them, random ones, and the ten lines that say what is nearest."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
from hypothesis import Phase, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from service.gallery.catalogue import CatalogueLimits
from service.gallery.deletion import delete_one
from service.gallery.enrolment import Enrolment
from service.gallery.filter_tree import EVERYTHING, All, Equals, Filter, Not, Overlaps
from service.gallery.gallery import GalleryService
from service.gallery.gallery_options import GalleryOptions
from service.gallery.listing import Page, Paging, list_tracklets
from service.gallery.open_gallery import Acknowledged
from service.gallery.ranking.search import SearchOptions, SearchResult
from service.gallery.records import TrackletMetadata, TrackletRecord, check_embedding
from service.gallery.replica.replica import GalleryReplica
from service.gallery.replica.replica_options import ReplicaOptions
from service.gallery.stores.protocol import GalleryInfo, GalleryModel, GalleryStore
from service.gallery.stores.sqlite_gallery_store import SqliteGalleryStore

DIMENSION = 4
MODEL = GalleryModel("f" * 64, DIMENSION)
STORE_FILE = "gallery.sqlite3"
NOTHING_KNOWN = TrackletMetadata()

WITH_REAL_DISK = settings(deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
"""Each example opens a real store: a failure is reported as found, not shrunk for minutes."""

OPTIONS = GalleryOptions(
    catalogue=CatalogueLimits(most_galleries=8, opening_within_s=10.0, visible_within_s=10.0),
    search_threads=2,
    write_threads=4,
    read_threads=4,
    most_waiting_searches=1024,
    most_waiting_writes=1024,
    min_seq_within_s=0.5,
    snapshot_dir=Path("snapshots"),
)

Row = tuple[NDArray[np.float32], TrackletMetadata]
T = TypeVar("T")

tracklet_ids = st.sampled_from([f"t{number}" for number in range(9)])
identities = st.sampled_from(["p0", "p1", "p2"])
cameras = st.sampled_from(["c0", "c1", "c2"])
times = st.none() | st.integers(0, 5).map(float)


@st.composite
def intervals(draw) -> tuple[float | None, float | None]:
    """A start and an end in order, each of them unknown now and then."""
    start, end = draw(times), draw(times)
    return (end, start) if start is not None and end is not None and start > end else (start, end)


def _metadata(identity, camera, interval, attributes) -> TrackletMetadata:
    return TrackletMetadata(identity, camera, *interval, attributes)


def _window(interval) -> Overlaps:
    start_s, end_s = interval
    return Overlaps(-np.inf if start_s is None else start_s, np.inf if end_s is None else end_s)


metadatas = st.builds(
    _metadata,
    st.none() | identities,
    st.none() | cameras,
    intervals(),
    st.just({}) | st.just({"shift": "day", "frames": 3}),
)
filters = st.one_of(
    st.just(EVERYTHING),
    st.lists(cameras | st.just("c9"), min_size=1).map(lambda some: Equals("camera", tuple(some))),
    identities.map(lambda one: Equals("identity", (one,))),
    intervals().map(_window),
    tracklet_ids.map(lambda one: Not(Equals("tracklet_id", (one,)))),
    st.tuples(cameras, intervals()).map(
        lambda both: All((Not(Equals("camera", (both[0],))), _window(both[1])))
    ),
)
"""A few; that every filter is honoured is tested against its oracle elsewhere."""

embeddings = (
    st.lists(st.integers(-1, 1), min_size=DIMENSION, max_size=DIMENSION)
    .filter(any)
    .map(lambda values: check_embedding(values, DIMENSION))
)
"""Few and simple ones, so that equal similarities are common."""

rows_by_id = st.dictionaries(tracklet_ids, st.tuples(embeddings, metadatas))
options = st.builds(
    SearchOptions,
    top_k=st.integers(1, 10),
    exclude_same_camera=st.booleans(),
    query_camera=cameras,
    filter=filters,
    group_by=st.sampled_from(["tracklet", "identity"]),
    min_similarity=st.none() | st.sampled_from([-1.0, -0.5, 0.0, 0.5, 1.0]),
)


def nearest_by_hand(
    rows: Mapping[str, Row], query: NDArray[np.float32], asked: SearchOptions
) -> list[tuple[str, float]]:
    """What a search must answer: (tracklet id, similarity) in order."""
    found: dict[str, tuple[float, str]] = {}
    for name, (embedding, metadata) in sorted(rows.items()):
        same = asked.exclude_same_camera and metadata.camera == asked.query_camera
        similarity = cosine(kept(embedding).astype(float), query.astype(float))
        low = asked.min_similarity is not None and similarity < asked.min_similarity
        if same or low or not asked.filter.matches(name, metadata):
            continue
        by_identity = asked.group_by == "identity" and metadata.identity is not None
        group = f"person {metadata.identity}" if by_identity else f"tracklet {name}"
        found[group] = min(found.get(group, (9.0, "")), (-float(similarity), name))
    best = sorted(found.values())[: asked.top_k]
    return [(name, -negative) for negative, name in best]


def cosine(one: NDArray[np.float64], other: NDArray[np.float64]) -> np.float32:
    return np.float32((one * other).sum() / np.sqrt((one * one).sum() * (other * other).sum()))


def kept(embedding: NDArray[np.float32]) -> NDArray[np.float32]:
    """The embedding as the gallery keeps it."""
    return embedding.astype(np.float16).astype(np.float32)


def embedding_of(seed: int, dimension: int = DIMENSION) -> NDArray[np.float32]:
    """A random unit vector [dimension]; the same for the same seed."""
    return check_embedding(np.random.default_rng(seed).normal(size=dimension), dimension)


def record_of(
    tracklet_id: str,
    embedding: NDArray[np.float32],
    metadata: TrackletMetadata | None = None,
    *,
    seq: int = 1,
) -> TrackletRecord:
    return TrackletRecord(tracklet_id, metadata or TrackletMetadata(), embedding, seq, 1.5)


def replicas_of(store: GalleryStore, directory: Path, *, name: str = "one"):
    """What makes the replica of a gallery, with its snapshots in the directory."""

    def open_replica(info: GalleryInfo) -> GalleryReplica:
        return GalleryReplica(
            store,
            info,
            snapshot_dir=directory / "snapshots",
            name=name,
            options=ReplicaOptions(heartbeat_s=0.2, retry_s=0.05),
        )

    return open_replica


def service_of(
    store: GalleryStore,
    directory: Path,
    *,
    model: GalleryModel = MODEL,
    options: GalleryOptions = OPTIONS,
    name: str = "one",
) -> GalleryService:
    """A service over any store, with its snapshots in the directory."""
    return GalleryService(
        store,
        model=model,
        open_replica=replicas_of(store, directory, name=name),
        options=replace(options, snapshot_dir=directory / "snapshots"),
    )


def service_in(directory: Path, *, model: GalleryModel = MODEL) -> GalleryService:
    return service_of(SqliteGalleryStore(directory / STORE_FILE), directory, model=model)


@asynccontextmanager
async def started(directory: Path, *, model: GalleryModel = MODEL):
    service = service_in(directory, model=model)
    try:
        await service.start()
        yield service
    finally:
        await service.close()


def with_service(directory: Path, work: Callable[[GalleryService], Awaitable[T]]) -> T:
    """Start a service, do the work on it, and close it."""

    async def whole() -> T:
        async with asyncio.timeout(60), started(directory) as service:
            return await work(service)

    return asyncio.run(whole())


async def enroll(service, name, embedding, metadata=NOTHING_KNOWN) -> Acknowledged:
    """Enroll one tracklet in the gallery `default`."""
    return (await service.enroll("default", Enrolment(name, embedding, metadata))).value


async def delete(service, name) -> Acknowledged:
    """Delete one tracklet of the gallery `default`."""
    return (await service.write("default", lambda held: delete_one(held, name))).value


async def search(service, query, asked=None) -> SearchResult:
    """Search the gallery `default`."""
    return (await service.search("default", query, asked or SearchOptions())).value


async def page(service, chosen: Filter = EVERYTHING, cursor=None, limit=1000) -> Page:
    """One page of the gallery `default`."""
    paging = Paging(cursor, limit)
    answered = await service.read(
        "default", lambda held: list_tracklets(held, chosen, paging, min_seq=None, within_s=0)
    )
    return answered.value


def pairs(result):
    """Id and similarity of every match, in order."""
    return [(match.tracklet_id, match.similarity) for match in result.matches]


async def held(service):
    """Ids of all tracklets of the gallery `default`."""
    return [record.tracklet_id for record in (await page(service)).records]
