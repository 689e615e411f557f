from dataclasses import replace

import pytest

from service.gallery.gallery_errors import GalleryNotFound, StoreUnavailable
from service.gallery.stores.batch import Delete, IdempotencyKey
from tests.erasure_receipts import mark, receipt
from tests.gallery_stores import SPEC, upsert, write
from tests.redis_galleries import everything, key

LOST = (
    "expected the gallery 'g' where the catalogue in Redis has it, received nothing there: keys "
    "were deleted by other means than this service; restore Redis from a backup, or give the "
    "gallery up: HDEL reid:catalog"
)


def test_of_a_dropped_gallery_its_id_is_left_and_answers_to_requests_that_expire(
    server, redis_store
):
    kept = redis_store.create_gallery("kept", SPEC).gallery_id
    before = everything(server)
    gallery = redis_store.create_gallery("g", SPEC).gallery_id
    redis_store.set_alias("a", gallery)
    write(redis_store, gallery, upsert("x"), key=IdempotencyKey("k", "r"))
    redis_store.mark_replica(gallery, mark("r"))
    redis_store.begin_erasure(receipt(gallery, "e"))
    assert len(everything(server)) == len(before) + 8
    redis_store.drop_gallery(gallery)
    answer = key(gallery, "idem:k")
    with server.client() as client:
        assert 24 * 3600 - 60 < client.ttl(answer) <= 24 * 3600
        client.delete(answer)
    assert everything(server) == {**before, b"reid:dropped": {gallery.encode()}}
    assert redis_store.state(kept).seq == 0


def test_the_specification_is_read_once_and_not_kept_beyond_the_gallery(server, redis_store):
    gallery = redis_store.create_gallery("g", SPEC).gallery_id
    write(redis_store, gallery, upsert("x"))
    with server.client() as client:
        client.config_resetstat()
        write(redis_store, gallery, upsert("y", enrolled_s=1.0))
        calls = client.info("commandstats")
    assert "cmdstat_hmget" in calls  # of the script
    assert calls["cmdstat_hmget"]["calls"] == 1
    redis_store.drop_gallery(gallery)
    with pytest.raises(GalleryNotFound):
        write(redis_store, gallery, upsert("z", enrolled_s=1.0))


def test_a_gallery_whose_meta_was_deleted_is_missed_and_not_made_anew(server, redis_store):
    gallery = redis_store.create_gallery("g", SPEC).gallery_id
    with server.client() as client:
        client.delete(key(gallery, "meta"))
    before = everything(server)
    for call in (redis_store.galleries, lambda: redis_store.create_gallery("g", SPEC)):
        with pytest.raises(StoreUnavailable) as caught:
            call()
        assert str(caught.value) == LOST
    with pytest.raises(GalleryNotFound):
        redis_store.state(gallery)
    with pytest.raises(GalleryNotFound):
        write(redis_store, gallery, Delete("x"))
    assert everything(server) == before


@pytest.mark.parametrize(
    ("field", "value"),
    [("dimension", "3:"), ("retention_s", "x"), ("created_s", ""), ("fingerprint", b"\xff")],
)
def test_a_damaged_specification_is_refused(server, redis_store, field, value):
    gallery = redis_store.create_gallery("g", replace(SPEC, retention_s=1.0)).gallery_id
    with server.client() as client:
        client.hset(key(gallery, "meta"), field, value)
    with pytest.raises(StoreUnavailable) as caught:
        redis_store.galleries()
    assert str(caught.value) == (
        "expected a gallery in Redis as the service wrote it, received something else "
        f"({'UnicodeDecodeError' if field == 'fingerprint' else 'ValueError'}); "
        "restore Redis from a backup"
    )


@pytest.mark.parametrize(
    ("field", "value"), [("seq", "x"), ("tracklets", ""), ("digest", "g" * 16), ("seq", "1.5")]
)
def test_a_damaged_state_is_refused(server, redis_store, field, value):
    gallery = redis_store.create_gallery("g", SPEC).gallery_id
    with server.client() as client:
        client.hset(key(gallery, "meta"), field, value)
    with pytest.raises(StoreUnavailable, match="the state of a gallery in Redis as the service"):
        redis_store.state(gallery)
