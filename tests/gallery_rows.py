"""Tracklets as the gallery holds them, random ones, and the ten lines that say what is nearest."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np
from hypothesis import Phase, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from service.gallery.filters import EVERYTHING, TrackletFilter
from service.gallery.gallery import GalleryService, SearchOptions
from service.gallery.records import TrackletMetadata, TrackletRecord, check_embedding
from service.gallery.sqlite_store import SqliteStore
from service.gallery.store import GalleryModel

DIMENSION = 4
MODEL = GalleryModel("f" * 64, DIMENSION)
STORE_FILE = "gallery.sqlite3"
NOTHING_KNOWN = TrackletMetadata()

WITH_REAL_DISK = settings(deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
"""Each example opens a real store: a failure is reported as found, not shrunk for minutes."""

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


def _filter(wanted, unwanted, interval) -> TrackletFilter:
    (chosen, identity), (camera, tracklet) = wanted, unwanted
    return TrackletFilter(chosen, camera, identity, *interval, tracklet)


metadatas = st.builds(
    _metadata,
    st.none() | identities,
    st.none() | cameras,
    intervals(),
    st.just({}) | st.just({"shift": "day", "frames": 3}),
)
filters = st.builds(
    _filter,
    st.tuples(st.none() | st.frozensets(cameras | st.just("c9")), st.none() | identities),
    st.tuples(st.none() | cameras, st.none() | tracklet_ids),
    intervals(),
)
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
        similarity = cosine(embedding.astype(float), query.astype(float))
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


def service_in(directory: Path, *, model: GalleryModel = MODEL) -> GalleryService:
    return GalleryService(
        SqliteStore(directory / STORE_FILE),
        fingerprint=model.fingerprint,
        dimension=model.dimension,
        search_threads=1,
    )


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


def pairs(result):
    """Id and similarity of every match, in order."""
    return [(match.tracklet_id, match.similarity) for match in result.matches]


async def held(service):
    """Ids of all tracklets of the gallery `default`."""
    page = await service.page("default", EVERYTHING, None, 1000)
    return [record.tracklet_id for record in page.records]
