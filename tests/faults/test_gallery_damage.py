"""A gallery whose store refuses, is damaged, is in use, or drifts from its index."""

import contextlib
import sqlite3

import pytest

from service.errors import (
    NotReady,
    StoreUnavailable,
)
from service.gallery.flat_index import FlatIndex
from service.gallery.gallery import SearchOptions
from service.gallery.sqlite_store import SqliteStore
from tests.gallery_rows import (
    NOTHING_KNOWN,
    STORE_FILE,
    embedding_of,
    held,
    pairs,
    started,
    with_service,
)


def test_a_store_that_refuses_a_write_leaves_everything_as_it_was(tmp_path):
    async def work(service):
        await service.enroll("default", "a", embedding_of(1), NOTHING_KNOWN)
        before = await service.health()
        with contextlib.closing(sqlite3.connect(tmp_path / STORE_FILE)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreUnavailable, match="locked"):
                await service.enroll("default", "b", embedding_of(2), NOTHING_KNOWN)
        result = await service.search("default", embedding_of(2), SearchOptions())
        assert [name for name, _ in pairs(result)] == ["a"]
        assert await service.health() == before
        await service.enroll("default", "b", embedding_of(2), NOTHING_KNOWN)

    with_service(tmp_path, work)


def test_a_flipped_bit_stops_the_start_and_names_the_write(tmp_path):
    async def work(service):
        for seed in (1, 2):
            await service.enroll("default", f"somebody{seed}", embedding_of(seed), NOTHING_KNOWN)

    with_service(tmp_path, work)
    path = tmp_path / STORE_FILE
    content = bytearray(path.read_bytes())
    content[content.index(embedding_of(2).tobytes())] ^= 1
    path.write_bytes(content)
    with pytest.raises(StoreUnavailable) as caught:
        with_service(tmp_path, held)
    assert caught.value.expected == "the row of write 2 as it was written"
    assert "somebody" not in str(caught.value)


def test_a_second_service_on_the_same_data_is_refused_and_does_no_harm(tmp_path):
    async def work(service):
        await service.enroll("default", "a", embedding_of(1), NOTHING_KNOWN)
        with pytest.raises(StoreUnavailable, match="another process has locked"):
            async with started(tmp_path):
                pass
        await service.enroll("default", "b", embedding_of(1), NOTHING_KNOWN)
        assert await held(service) == ["a", "b"]

    with_service(tmp_path, work)


def test_a_closed_service_takes_nothing_and_its_data_is_free(tmp_path):
    async def work(service):
        await service.close()
        with pytest.raises(NotReady):
            await service.get("default", "a")
        health = await service.health()
        assert not health.ready
        assert "stops" in health.reason
        SqliteStore(tmp_path / STORE_FILE).open()

    with_service(tmp_path, work)


def test_a_drift_between_index_and_store_is_found_and_repaired(tmp_path, monkeypatch):
    async def work(service):
        await service.enroll("default", "a", embedding_of(1), NOTHING_KNOWN)
        with monkeypatch.context() as sabotaged:
            sabotaged.setattr(FlatIndex, "put", lambda *_: None)
            await service.enroll("default", "b", embedding_of(2), NOTHING_KNOWN)
        assert len((await service.search("default", embedding_of(2), SearchOptions())).matches) == 1
        health = await service.health()
        assert (health.ready, health.tracklets) == (True, 2)
        assert len((await service.search("default", embedding_of(2), SearchOptions())).matches) == 2

    with_service(tmp_path, work)
