import threading
import time

import pytest
from redis.connection import Connection

from service.errors import InvalidInput
from service.gallery.gallery_errors import OutcomeUnknown, StoreUnavailable
from service.gallery.stores.batch import IdempotencyKey
from service.gallery.stores.redis_connections import RedisConnections
from tests.cut_link import cut_link
from tests.gallery_stores import SPEC, held, upsert, write
from tests.redis_galleries import opened_store
from tests.redis_server import RedisServer


@pytest.fixture
def link(server):
    with cut_link(server.port) as link:
        yield link


@pytest.fixture
def linked(server, link):
    """An open store behind the link, with a gallery."""
    with opened_store(server, link.url, timeout_s=2.0) as store:
        yield store


@pytest.fixture
def gallery(linked):
    return linked.create_gallery("g", SPEC).gallery_id


def connections_of(url, **options):
    return RedisConnections(url, password=None, timeout_s=2.0, greet=lambda _: None, **options)


@pytest.mark.parametrize("what", ["request", "answer"])
def test_a_read_is_sent_again_when_the_connection_breaks(link, linked, gallery, what):
    link.cut(what, what)
    assert linked.state(gallery).seq == 0
    assert link.is_whole


def test_a_read_gives_up_in_the_end(link, linked, gallery):
    link.cut("request", "request", "request")
    with pytest.raises(StoreUnavailable) as caught:
        linked.state(gallery)
    assert str(caught.value).startswith(f"expected Redis at 127.0.0.1:{link.port}, received Conn")
    assert str(caught.value).endswith("; start it, or correct its address")
    assert caught.value.retry_after_s == 5
    assert link.is_whole


def test_a_write_whose_answer_was_lost_is_made_once_and_told_by_its_key(link, linked, gallery):
    key = IdempotencyKey("k", "r")
    write(linked, gallery, upsert("a", 1))
    link.cut("answer")
    with pytest.raises(OutcomeUnknown) as caught:
        write(linked, gallery, upsert("b", 2, enrolled_s=1.0), key=key)
    assert str(caught.value) == (
        f"expected an answer of Redis at 127.0.0.1:{link.port} to a write, received "
        "ConnectionError; repeat the request with the same idempotency key: it was made whole, or "
        "not at all"
    )
    assert caught.value.retry_after_s == 5
    assert linked.state(gallery).seq == 2
    repeated = write(linked, gallery, upsert("b", 2, enrolled_s=1.0), key=key)
    assert (repeated.seq, repeated.outcomes, repeated.repeated) == (2, ("created",), True)
    assert linked.state(gallery).seq == 2


def test_a_write_that_was_lost_is_not_made_and_not_sent_again(link, linked, gallery):
    key = IdempotencyKey("k", "r")
    write(linked, gallery, upsert("a", 1))
    link.cut("request")
    with pytest.raises(OutcomeUnknown):
        write(linked, gallery, upsert("b", 2, enrolled_s=1.0), key=key)
    assert linked.state(gallery).seq == 1
    assert not write(linked, gallery, upsert("b", 2, enrolled_s=1.0), key=key).repeated
    assert set(held(linked, gallery)) == {"a", "b"}


def test_a_write_that_could_not_be_sent_is_known_not_to_be_made(server, redis_store):
    gallery = redis_store.create_gallery("g", SPEC).gallery_id
    server.kill()
    with pytest.raises(StoreUnavailable) as caught:
        redis_store.drop_gallery(gallery)
    assert not isinstance(caught.value, OutcomeUnknown)
    server.start()
    assert redis_store.state(gallery).seq == 0


def test_idle_connections_that_the_server_closed_are_opened_anew(server, redis_store):
    gallery = redis_store.create_gallery("g", SPEC).gallery_id
    for seq in (1, 2):
        with server.client() as client:
            client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        assert write(redis_store, gallery, upsert("a", seq)).seq == seq


def test_each_connection_for_writes_looks_at_the_server_it_has_reached(server, redis_store):
    gallery = redis_store.create_gallery("g", SPEC).gallery_id
    server.kill()
    server.options["appendfsync"] = "everysec"
    server.start()
    with pytest.raises(StoreUnavailable, match="received `appendfsync everysec`"):
        redis_store.drop_gallery(gallery)
    assert redis_store.state(gallery).seq == 0


def test_after_close_nothing_is_asked_and_closing_again_does_nothing(server, redis_store):
    redis_store.close()
    redis_store.close()
    with pytest.raises(StoreUnavailable) as caught:
        redis_store.now_s()
    assert str(caught.value) == (
        "expected an open store, received one that is closed; start the service again"
    )
    with server.client() as client:
        others = [one for one in client.client_list() if one["cmd"] != "client|list"]
    assert others == []


def test_close_does_not_wait_for_a_reader_and_leaves_no_connection(server, redis_store):
    gallery = redis_store.create_gallery("g", SPEC).gallery_id
    ended = []

    def wait():
        with pytest.raises(StoreUnavailable, match="one that is closed"):
            redis_store.log(gallery, after=0, limit=1, wait_s=30.0)
        ended.append(time.monotonic())

    reader = threading.Thread(target=wait)
    reader.start()
    time.sleep(0.1)
    started = time.monotonic()
    redis_store.close()
    assert time.monotonic() - started < 5
    reader.join(20)
    assert ended[0] - started < 15
    with server.client() as client:
        assert len(client.client_list()) == 1


def test_the_answer_to_a_write_that_was_interrupted_is_nobody_elses(server, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    reached = connections_of(server.url)
    reached.write("SET", "a", 1)
    server.pause()
    with monkeypatch.context() as patched:
        patched.setattr(Connection, "read_response", interrupt)
        with pytest.raises(KeyboardInterrupt):
            reached.write("SET", "a", 2)
    resuming = threading.Timer(0.2, server.resume)
    resuming.start()
    assert reached.write("GET", "b") is None
    resuming.join()
    reached.close()


def test_a_socket_file_is_an_address(tmp_path):
    path = tmp_path / "redis.sock"
    with RedisServer(tmp_path / "redis", options={"unixsocket": str(path)}) as server:
        reached = connections_of(f"unix://{path}?db=3")
        reached.write("SET", "a", 1)
        assert reached.read(("GET", "a")) == [b"1"]
        reached.close()
        with server.client() as client:
            assert client.info("keyspace")["db3"]["keys"] == 1


def test_replies_come_in_order_though_one_is_a_refusal(server):
    reached = connections_of(server.url)
    reached.write("SET", "a", 1)
    with pytest.raises(StoreUnavailable, match="WRONGTYPE"):
        reached.read(("GET", "a"), ("HGETALL", "a"), ("GET", "a"))
    assert reached.read(("GET", "b"), ("GET", "a")) == [None, b"1"]
    reached.close()


UNUSABLE = [
    ("127.0.0.1:6379", "one that redis-py cannot read"),
    ("http://127.0.0.1", "one that redis-py cannot read"),
    ("redis://127.0.0.1:port", "one that redis-py cannot read"),
    ("redis://:hunter2@h?decode_responses=yes", "the options decode_responses"),
    ("redis://h?retry_on_timeout=1&max_connections=1", "the options max_connections, retry_on_t"),
]


@pytest.mark.parametrize(("url", "received"), UNUSABLE)
def test_an_address_that_cannot_be_used_is_refused_without_being_shown(url, received):
    with pytest.raises(InvalidInput) as caught:
        connections_of(url)
    assert str(caught.value).startswith(
        "expected the address of Redis as redis://HOST:PORT/DB, rediss://... or "
        f"unix:///PATH?db=0, received {received}"
    )
    assert str(caught.value).endswith("; correct it")
    assert "hunter2" not in str(caught.value)
