import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from service.gallery.gallery_errors import StoreUnavailable
from service.gallery.stores import redis_session
from service.gallery.stores.audit_entry import AuditEntry
from service.gallery.stores.batch import Delete, IdempotencyKey
from service.gallery.stores.redis_gallery_store import RedisGalleryStore
from tests.erasure_receipts import mark, receipt
from tests.gallery_stores import SPEC, held, upsert, write
from tests.redis_galleries import everything, opened_store
from tests.redis_server import RedisServer


def test_opening_says_of_which_layout_the_keys_are_and_writes_nothing_else(server):
    for _ in range(2):
        with opened_store(server):
            assert everything(server) == {b"reid:layout": b"1"}


def test_keys_of_another_layout_are_left_alone(server):
    with server.client() as client:
        client.set("reid:layout", 2)
    with pytest.raises(StoreUnavailable) as caught, opened_store(server):
        pass
    assert str(caught.value) == (
        "expected keys of layout 1 in Redis, received layout 2; "
        "start the release that wrote them, or a newer one"
    )
    assert everything(server) == {b"reid:layout": b"2"}


def test_nothing_is_asked_before_it_is_opened(server):
    store = RedisGalleryStore(server.url)
    for call in (store.now_s, store.check, store.galleries):
        with pytest.raises(StoreUnavailable, match="received one that is closed"):
            call()
    store.close()


def test_a_store_that_was_closed_can_be_opened_again(server):
    store = RedisGalleryStore(server.url)
    for _ in range(2):
        store.open()
        assert store.galleries() == ()
        store.close()


def test_the_clock_is_that_of_redis(server, redis_store):
    with server.client() as client:
        seconds, microseconds = client.time()
    assert seconds + microseconds / 1e6 <= redis_store.now_s() <= time.time() + 1


def test_a_redis_that_is_not_there_is_named(server):
    server.stop()
    with pytest.raises(StoreUnavailable) as caught, opened_store(server):
        pass
    assert str(caught.value) == (
        f"expected Redis at 127.0.0.1:{server.port}, received ConnectionError: Error 111 "
        f"connecting to 127.0.0.1:{server.port}. Connection refused.; "
        "start it, or correct its address"
    )
    assert caught.value.retry_after_s == 5


@pytest.mark.parametrize("password", [None, "wrong"])
def test_a_wrong_password_is_no_outage_and_is_not_shown(tmp_path, password):
    with RedisServer(tmp_path, password="hunter2") as server:
        store = RedisGalleryStore(server.url, password=password)
        with pytest.raises(StoreUnavailable) as caught:
            store.open()
        with opened_store(server) as other:
            assert other.galleries() == ()
    assert str(caught.value).startswith(
        f"expected leave to use Redis at 127.0.0.1:{server.port}, received "
    )
    assert str(caught.value).endswith(
        "; give the service the user and password that this Redis knows"
    )
    assert "hunter2" not in str(caught.value)
    assert "wrong" not in str(caught.value)


def test_a_user_that_may_not_see_the_options_is_told_so(server):
    with server.client() as client:
        client.execute_command("ACL", "SETUSER", "u", "on", ">p", "~*", "+@all", "-config")
    with (
        pytest.raises(StoreUnavailable, match="expected leave to use Redis .*config.*; give the"),
        opened_store(server, server.url.replace("//", "//u:p@")),
    ):
        pass


COMMANDS = [
    "info",
    "config|get",
    "script|load",
    "evalsha",
    "time",
    "bgrewriteaof",
    "bgsave",
    "exists",
    "get",
    "set",
    "unlink",
    "hdel",
    "hexists",
    "hget",
    "hgetall",
    "hmget",
    "hscan",
    "hset",
    "hvals",
    "sadd",
    "sismember",
    "xadd",
    "xdel",
    "xrange",
    "xread",
    "xtrim",
]


def test_a_user_limited_to_these_commands_and_to_its_own_keys_suffices(server):
    allowed = [f"+{command}" for command in COMMANDS]
    with server.client() as client:
        client.execute_command("ACL", "SETUSER", "u", "reset", "on", ">p", "~reid:*", *allowed)
        client.config_set("save", "3600 1")
    with opened_store(server, server.url.replace("//", "//u:p@")) as store:
        gallery = store.create_gallery("g", SPEC).gallery_id
        assert store.galleries()[0].gallery_id == gallery
        store.set_alias("a", gallery)
        store.set_alias("b", gallery)
        store.set_alias("b", None)
        assert store.aliases() == {"a": gallery}
        key = IdempotencyKey("k", "r")
        write(store, gallery, upsert("x"), upsert("y"), key=key)
        assert write(store, gallery, upsert("x"), upsert("y"), key=key).repeated
        write(store, gallery, Delete("x"))
        assert set(held(store, gallery)) == {"y"}
        assert store.rows(gallery, ["x"]) == [None]
        assert len(store.log(gallery, after=0, limit=9)) == 2
        assert store.log(gallery, after=2, limit=9, wait_s=0.01) == []
        store.trim_log(gallery, upto=1)
        store.mark_replica(gallery, mark("r"))
        assert store.replicas(gallery) == (mark("r"),)
        store.begin_erasure(receipt(gallery))
        store.save_receipt(receipt(gallery, state="final", final_s=11.0))
        assert len(store.receipts(gallery)) == 1
        store.audit([AuditEntry(1.0, "someone", "search", "g", None, None, None)])
        store.trim_audit(before_s=2.0)
        assert store.audit_entries(after=None, limit=1) == []
        store.purge()
        store.check()
        store.drop_gallery(gallery)
        assert store.was_dropped(gallery)


def test_options_are_looked_at_every_few_seconds_and_not_at_each_write(
    server, redis_store, monkeypatch
):
    gallery = redis_store.create_gallery("g", SPEC).gallery_id
    assert written_together(server, redis_store, gallery) == [None, None]
    with server.client() as client:
        client.config_set("appendfsync", "everysec")
        write(redis_store, gallery, upsert("a"))
        monkeypatch.setattr(redis_session, "_CHECK_EVERY_S", 0.0)
        with pytest.raises(StoreUnavailable, match="received `appendfsync everysec`"):
            write(redis_store, gallery, upsert("b"))
        monkeypatch.setattr(redis_session, "_CHECK_EVERY_S", 1e9)
        refused = written_together(server, redis_store, gallery)
        assert all("received `appendfsync everysec`" in str(error) for error in refused)
        client.config_set("appendfsync", "always")
    assert write(redis_store, gallery, upsert("b")).outcomes == ("created",)


def written_together(server, store, gallery):
    """What two writes that are under way at the same time end with, on a connection each."""

    def end_of_write(_):
        try:
            write(store, gallery, upsert("x", enrolled_s=1.0))
        except StoreUnavailable as error:
            return error
        return None

    server.pause()
    resuming = threading.Timer(0.2, server.resume)
    resuming.start()
    with ThreadPoolExecutor(2) as threads:
        ends = list(threads.map(end_of_write, range(2)))
    resuming.join()
    return ends
