"""Bytes that a tracklet takes in every place where the gallery holds it.

    python -m benchmarks.gallery_memory
    python -m benchmarks.gallery_memory --rows 100000 --dimension 512

Random embeddings with identity, camera, times and one attribute are written in batches of 256 into
a real Redis and into SQLite, and taken into an index. Each figure is the growth between empty and
full, divided by the rows: of Redis' `used_memory`, of its append-only file after a rewrite, of
SQLite's file, and of this process' resident memory; the snapshot is the sum of its arrays. The
index grows by segments of 65,536 rows, so few rows look dearer than many.
"""

import argparse
import gc
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import redis

from benchmarks.running_redis import running_redis
from service.gallery.index.gallery_index import GalleryIndex
from service.gallery.records import TrackletMetadata
from service.gallery.replica.frozen_snapshot import content_of
from service.gallery.stores.batch import MOST_CHANGES, Batch, Upsert
from service.gallery.stores.protocol import GalleryModel, GallerySpec, GalleryStore
from service.gallery.stores.redis_gallery_store import RedisGalleryStore
from service.gallery.stores.row_codec import IntactRow
from service.gallery.stores.sqlite_gallery_store import SqliteGalleryStore

_TRACKLETS_AN_IDENTITY = 10
_CAMERAS = 16


def main() -> None:
    """Measure, and print one JSON object."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=65_536)
    parser.add_argument("--dimension", type=int, default=1472)
    asked = parser.parse_args()
    each = measure(asked.rows, asked.dimension)
    print(json.dumps({"rows": asked.rows, "dimension": asked.dimension, "bytes": each}))


def measure(rows: int, dimension: int) -> dict[str, int]:
    """Bytes a tracklet takes, by place, rounded."""
    with tempfile.TemporaryDirectory() as directory, running_redis() as url:
        file = Path(directory) / "gallery.sqlite3"
        total = {**_in_redis(url, rows, dimension), **_in_sqlite(file, rows, dimension)}
    return {place: round(size / rows) for place, size in total.items()}


def _in_redis(url: str, rows: int, dimension: int) -> dict[str, int]:
    store = RedisGalleryStore(url)
    store.open()
    try:
        before = _info(url, "used_memory")
        _fill(store, rows, dimension)
        after = _info(url, "used_memory")
        store.purge()
        return {"redis_memory": after - before, "redis_file": _info(url, "aof_current_size")}
    finally:
        store.close()


def _in_sqlite(file: Path, rows: int, dimension: int) -> dict[str, int]:
    store = SqliteGalleryStore(file)
    store.open()
    try:
        gallery_id = _fill(store, rows, dimension)
        store.purge()
        before = _resident()
        index = _index(store, gallery_id, dimension)
        return {
            "sqlite_file": file.stat().st_size,
            "index_memory": _resident() - before,
            "snapshot": content_of(index.view).size_bytes,
        }
    finally:
        store.close()


def _fill(store: GalleryStore, rows: int, dimension: int) -> str:
    """Write all rows; the id of their gallery."""
    spec = GallerySpec(GalleryModel("0" * 64, dimension))
    gallery_id = store.create_gallery("memory", spec).gallery_id
    for batch in _batches(rows, dimension):
        store.write(gallery_id, batch)
    return gallery_id


def _batches(rows: int, dimension: int) -> Iterator[Batch]:
    drawn = np.random.default_rng(0)
    for start in range(0, rows, MOST_CHANGES):
        numbers = range(start, min(start + MOST_CHANGES, rows))
        embeddings = drawn.standard_normal((len(numbers), dimension), dtype=np.float32)
        embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
        yield Batch(
            tuple(
                Upsert(f"tracklet-{number:08}", embedding, _metadata(number))
                for number, embedding in zip(numbers, embeddings, strict=True)
            )
        )


def _metadata(number: int) -> TrackletMetadata:
    start_s = 1.8e9 + number
    return TrackletMetadata(
        identity=f"person-{number // _TRACKLETS_AN_IDENTITY:06}",
        camera=f"camera-{number % _CAMERAS:02}",
        start_s=start_s,
        end_s=start_s + 4,
        attributes={"shift": "day" if number % 2 else "night"},
    )


def _index(store: GalleryStore, gallery_id: str, dimension: int) -> GalleryIndex:
    """An index of all rows, made as a replica makes it: write by write."""
    index = GalleryIndex(gallery_id, dimension)
    while entries := store.log(gallery_id, after=index.view.state.seq, limit=16):
        for entry in entries:
            found = store.rows(gallery_id, entry.touched())
            intact = [row for row in found if isinstance(row, IntactRow)]
            index.apply(intact, [], seq=entry.seq, chain=entry.hash)
    return index


def _info(url: str, field: str) -> int:
    with redis.Redis.from_url(url) as client:
        return int(client.info()[field])


def _resident() -> int:
    gc.collect()
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    main()
