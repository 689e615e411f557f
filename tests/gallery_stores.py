"""Places where a store keeps its data in a test, one kind per store, and writes to put there."""

import hashlib
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from service.gallery.records import TrackletMetadata, TrackletRecord
from service.gallery.stores.batch import Batch, Change, IdempotencyKey, Upsert, Written
from service.gallery.stores.protocol import GalleryModel, GallerySpec, GalleryStore
from service.gallery.stores.redis_gallery_store import RedisGalleryStore
from service.gallery.stores.row_codec import DamagedRow, IntactRow, pack_body
from service.gallery.stores.sqlite_gallery_store import SqliteGalleryStore
from service.gallery.stores.sqlite_reserved_writes import RESERVE_FILE
from tests.gallery_rows import embedding_of
from tests.redis_server import RedisServer

DIMENSION = 32
MODEL = GalleryModel("f" * 64, DIMENSION)
SPEC = GallerySpec(MODEL)


@dataclass(frozen=True)
class Place:
    """Where one store keeps its data.

    Attributes:
        store: Makes a store that is not open yet, of the same data each time.
        content: All bytes of all files there.
    """

    store: Callable[[], GalleryStore]
    content: Callable[[], bytes]


@contextmanager
def sqlite_place(directory: Path) -> Iterator[Place]:
    path = directory / "galleries" / "gallery.sqlite3"
    yield Place(lambda: SqliteGalleryStore(path), lambda: bytes_below(path.parent))


@contextmanager
def redis_place(directory: Path) -> Iterator[Place]:
    # Compressed, bytes that should be gone would not be found where they are.
    with RedisServer(directory / "redis", options={"rdbcompression": "no"}) as server:
        yield Place(lambda: RedisGalleryStore(server.url), lambda: bytes_below(server.directory))


PLACES: dict[str, Callable[[Path], AbstractContextManager[Place]]] = {
    "redis": redis_place,
    "sqlite": sqlite_place,
}
"""Every store there is; the contract suite runs against each."""


def bytes_below(directory: Path) -> bytes:
    # The reserve is 16 MiB of zeros, in which a search takes its time and finds nothing.
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    files = [path for path in files if path.name != RESERVE_FILE]
    return b"".join(path.read_bytes() for path in files)


def unit(seed: int, dimension: int = DIMENSION) -> NDArray[np.float32]:
    """A random vector [dimension] of length 1; the same for the same seed."""
    return embedding_of(seed, dimension)


def upsert(
    tracklet_id: str,
    seed: int = 0,
    *,
    if_seq: int | None = None,
    enrolled_s: float | None = None,
    **known: object,
) -> Upsert:
    metadata = TrackletMetadata(**known)
    return Upsert(tracklet_id, unit(seed), metadata, if_seq=if_seq, enrolled_s=enrolled_s)


def write(
    store: GalleryStore, gallery: str, *changes: Change, key: IdempotencyKey | None = None
) -> Written:
    return store.write(gallery, Batch(changes, key))


def held(store: GalleryStore, gallery: str) -> dict[str, TrackletRecord]:
    """Every row by its id; none may be damaged or come twice."""
    rows = [row for piece in store.scan(gallery) for row in piece]
    assert not [row for row in rows if isinstance(row, DamagedRow)]
    records = [row.record for row in rows if isinstance(row, IntactRow)]
    by_id = {record.tracklet_id: record for record in records}
    assert len(by_id) == len(records)
    return by_id


def digest_by_hand(records: dict[str, TrackletRecord]) -> int:
    """XOR of the first 64 bits of sha1(id, seq, checksum of the body)."""
    digest = 0
    for name, record in records.items():
        body = pack_body(name, record.embedding, record.metadata, enrolled_s=record.enrolled_s)
        named = f"{name}\0{record.seq}\0{zlib.crc32(body.raw)}"
        digest ^= int(hashlib.sha1(named.encode()).hexdigest()[:16], 16)
    return digest
