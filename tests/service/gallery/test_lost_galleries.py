"""A store in use that has lost galleries is told from one whose galleries were dropped."""

import asyncio

from service.gallery.gallery import DEFAULT_GALLERY
from service.gallery.stores.protocol import GallerySpec
from service.gallery.stores.redis_gallery_store import RedisGalleryStore
from tests.gallery_rows import MODEL, service_of
from tests.redis_server import RedisServer

REASON = "the store has lost gallery 'default'; put the store's data back"


async def reason_after(service, work):
    """Why the service is not ready once it has looked at the store after `work`."""
    await service.manage(work)
    await service.manage(lambda catalogue: catalogue.refresh())
    return (await service.health()).reason


def test_a_redis_that_was_emptied_is_no_longer_ready_though_it_answers(tmp_path):
    async def run(server):
        service = service_of(RedisGalleryStore(server.url), tmp_path / "snapshots")
        await service.start()
        try:
            with server.client() as client:
                reason = await reason_after(service, lambda _: client.flushall())
            assert reason == REASON
            spec = GallerySpec(MODEL)
            another = await reason_after(service, lambda names: names.create("default", spec))
            assert another == REASON, "a new gallery of the same name is not the one that was lost"
        finally:
            await service.close()

    with RedisServer(tmp_path / "redis") as server:
        asyncio.run(run(server))


def test_a_gallery_that_was_dropped_is_not_missed(tmp_path):
    async def run(server):
        service = service_of(RedisGalleryStore(server.url), tmp_path / "snapshots")
        await service.start()
        try:
            await service.manage(lambda names: names.create("other", GallerySpec(MODEL)))
            for name in ("other", DEFAULT_GALLERY):
                assert await reason_after(service, lambda names, one=name: names.drop(one)) is None
        finally:
            await service.close()

    with RedisServer(tmp_path / "redis") as server:
        asyncio.run(run(server))


def test_a_gallery_that_came_back_is_no_longer_missed(tmp_path):
    async def run(server):
        service = service_of(RedisGalleryStore(server.url), tmp_path / "snapshots")
        await service.start()
        try:
            with server.client() as client:
                taken = {key: client.dump(key) for key in client.scan_iter("reid:*")}
                assert await reason_after(service, lambda _: client.flushall()) == REASON
                reason = await reason_after(
                    service,
                    lambda _: [client.restore(key, 0, value) for key, value in taken.items()],
                )
            while reason and "still being read" in reason:
                await asyncio.sleep(0.01)
                reason = (await service.health()).reason
            assert reason is None
        finally:
            await service.close()

    with RedisServer(tmp_path / "redis") as server:
        asyncio.run(run(server))
