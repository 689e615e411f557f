import asyncio
from pathlib import Path

import pytest

from model.manifest import load_manifest
from service.errors import InvalidInput
from service.gallery.gallery_errors import StoreUnavailable
from service.gallery.stores.redis_gallery_store import RedisGalleryStore
from service.gallery.stores.sqlite_gallery_store import SqliteGalleryStore
from service.gallery_setup import STORE_FILE, gallery_service, gallery_store
from service.settings import Settings
from tests.redis_server import RedisServer


def test_sqlite_lies_in_the_data_directory(tmp_path):
    store = gallery_store(Settings(data_dir=tmp_path / "new"))
    assert isinstance(store, SqliteGalleryStore)
    store.open()
    store.close()
    assert (tmp_path / "new" / STORE_FILE).is_file()


def test_redis_is_reached_with_the_password_of_a_file(tmp_path):
    secret = tmp_path / "password"
    secret.write_text("s3cret\n")
    with RedisServer(tmp_path / "redis", password="s3cret") as server:
        chosen = Settings(store="redis", redis_url=server.url, redis_password_file=secret)
        store = gallery_store(chosen)
        assert isinstance(store, RedisGalleryStore)
        store.open()
        store.check()
        store.close()
        wrong = gallery_store(Settings(store="redis", redis_url=server.url))
        with pytest.raises(StoreUnavailable):
            wrong.open()


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_password_that_cannot_be_read_is_named_by_its_file(tmp_path, content):
    path = tmp_path / "password"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StoreUnavailable) as caught:
        gallery_store(Settings(store="redis", redis_password_file=path))
    assert str(path) in caught.value.expected
    assert "REID_REDIS_PASSWORD_FILE" in caught.value.remedy


def test_an_address_that_is_none_of_redis_is_refused():
    with pytest.raises(InvalidInput):
        gallery_store(Settings(store="redis", redis_url="http://nowhere"))


def test_the_settings_reach_the_gallery(artifact_dir: Path, tmp_path):
    chosen = Settings(
        data_dir=tmp_path,
        search_threads=3,
        write_threads=5,
        max_waiting_searches=7,
        max_waiting_writes=9,
        max_galleries=2,
        visible_within_s=1.5,
        min_seq_within_s=0.25,
        exact_max_rows=1000,
        ann_recall_target=0.97,
        expect_empty_store=True,
    )
    manifest = load_manifest(artifact_dir)
    options = gallery_service(chosen, manifest).options
    assert (options.search_threads, options.write_threads) == (3, 5)
    assert (options.most_waiting_searches, options.most_waiting_writes) == (7, 9)
    assert (options.min_seq_within_s, options.accept_loss) == (0.25, True)
    assert options.snapshot_dir == tmp_path / "snapshots"
    limits = options.catalogue
    assert (limits.most_galleries, limits.visible_within_s) == (2, 1.5)
    assert (limits.switch_points.exact_max_rows, limits.switch_points.recall_target) == (1000, 0.97)


def test_a_store_that_has_lost_what_there_are_snapshots_of_stops_the_start(artifact_dir, tmp_path):
    manifest = load_manifest(artifact_dir)

    def run(**more):
        async def story():
            service = gallery_service(Settings(data_dir=tmp_path, **more), manifest)
            try:
                await service.start()
                gallery = await service.open("default")
                gallery.replica.snapshot()
                return gallery.gallery_id
            finally:
                await service.close()

        return asyncio.run(story())

    first = run()
    assert run() == first
    for path in tmp_path.glob(f"{STORE_FILE}*"):
        path.unlink()
    with pytest.raises(StoreUnavailable, match=r"one that has lost 'default'.*REID_EXPECT_EMPTY"):
        run()
    assert run(expect_empty_store=True) != first
