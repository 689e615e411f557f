"""A gallery whose data are in use by another service, or that has been closed."""

import pytest

from service.errors import NotReady
from service.gallery.gallery_errors import StoreUnavailable
from service.gallery.stores.sqlite_gallery_store import SqliteGalleryStore
from tests.gallery_rows import (
    STORE_FILE,
    embedding_of,
    enroll,
    held,
    started,
    with_service,
)


def test_a_second_service_on_the_same_data_is_refused_and_does_no_harm(tmp_path):
    async def work(service):
        await enroll(service, "a", embedding_of(1))
        with pytest.raises(StoreUnavailable, match="another process has locked"):
            async with started(tmp_path):
                pass
        await enroll(service, "b", embedding_of(1))
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
        store = SqliteGalleryStore(tmp_path / STORE_FILE)
        store.open()
        store.close()

    with_service(tmp_path, work)
