"""The disk of Redis is full: what was acknowledged stays, and all goes on when there is room."""

import pytest

from service.gallery.gallery_errors import StoreUnavailable
from service.gallery.stores.batch import Delete, IdempotencyKey
from tests.gallery_stores import SPEC, digest_by_hand, held, upsert, write
from tests.redis_galleries import opened_store
from tests.redis_server import RedisServer
from tests.small_disk import fill, small_disk


@pytest.fixture
def disk(tmp_path):
    with small_disk(tmp_path / "disk", 8 * 2**20) as disk:
        yield disk


@pytest.fixture
def server(disk):
    with RedisServer(disk / "redis", options={"rdbcompression": "no"}) as server:
        yield server


@pytest.fixture
def store(server):
    with opened_store(server) as store:
        yield store


@pytest.fixture
def gallery(store):
    return store.create_gallery("g", SPEC).gallery_id


def batch_of(number):
    return [upsert(f"{number}-{row}", number, enrolled_s=1.0) for row in range(100)]


def key_of(number):
    return IdempotencyKey(str(number), "r")


def enrolled_until_refused(store, gallery):
    """How many batches were acknowledged before one was not."""
    for number in range(1000):
        try:
            write(store, gallery, *batch_of(number), key=key_of(number))
        except StoreUnavailable:
            return number
    raise AssertionError("the disk did not become full")


def test_no_acknowledged_write_is_lost_and_the_one_that_failed_is_all_or_nothing(
    disk, server, store, gallery
):
    filler = fill(disk, leave_bytes=200_000)
    acknowledged = enrolled_until_refused(store, gallery)
    assert acknowledged > 0
    server.process.wait(30)
    with pytest.raises(StoreUnavailable, match="expected Redis at 127.0.0.1:"):
        store.state(gallery)
    filler.unlink()
    server.restart()
    assert len(held(store, gallery)) in {100 * acknowledged, 100 * (acknowledged + 1)}
    repeated = write(store, gallery, *batch_of(acknowledged), key=key_of(acknowledged))
    assert (repeated.seq, store.state(gallery).seq) == (acknowledged + 1, acknowledged + 1)
    rows = held(store, gallery)
    assert set(rows) == {f"{number}-{row}" for number in range(repeated.seq) for row in range(100)}
    assert store.state(gallery).digest == digest_by_hand(rows)


def test_a_purge_without_room_fails_and_writes_go_on(disk, server, store, gallery):
    for number in range(100):
        write(store, gallery, *batch_of(number))
    filler = fill(disk, leave_bytes=300_000)
    with pytest.raises(StoreUnavailable) as caught:
        store.purge()
    assert str(caught.value) == (
        "expected Redis to finish BGREWRITEAOF, received a failure, which its log explains; "
        "make room on its disk; the purge is tried again"
    )
    assert write(store, gallery, Delete("0-0")).outcomes == ("deleted",)
    filler.unlink()
    store.purge()
    server.restart()
    assert len(held(store, gallery)) == 9_999
