"""A Redis that is full, emptied, set to lose writes, stopped, loading or no longer the master."""

import json
import random
import threading
import time

import pytest

from service.errors import ReidError
from service.gallery.gallery_errors import (
    CapacityExceeded,
    GalleryNotFound,
    OutcomeUnknown,
    StoreUnavailable,
)
from service.gallery.stores.batch import Delete, IdempotencyKey
from service.gallery.stores.log_chain import first_hash
from tests.erasure_receipts import mark, receipt
from tests.gallery_stores import SPEC, held, upsert, write
from tests.redis_galleries import everything, opened_store

KEY = IdempotencyKey("k", "r")


@pytest.fixture
def store(server):
    with opened_store(server, timeout_s=2.0) as store:
        yield store


@pytest.fixture
def gallery(store):
    return store.create_gallery("g", SPEC).gallery_id


def rows(count, seed=0):
    return [upsert(f"t{number}", seed + number) for number in range(count)]


def fill(server):
    """Leave Redis less memory than it uses."""
    with server.client() as client:
        client.config_set("maxmemory", 2**20)


def refused(call):
    """The error that the call must raise; it must be one of the service's own."""
    with pytest.raises(ReidError) as caught:
        call()
    return caught.value


def test_a_full_redis_refuses_a_batch_before_any_of_it_is_written(server, store, gallery):
    write(store, gallery, *rows(50))
    before = everything(server)
    fill(server)
    for batch in ([upsert("new")], rows(50, seed=9), [Delete("t0"), upsert("new")]):
        error = refused(lambda batch=batch: write(store, gallery, *batch, key=KEY))
        assert isinstance(error, CapacityExceeded)
        assert str(error) == (
            "expected room in the memory of Redis, received a Redis at its `maxmemory`; "
            "delete tracklets, or raise `maxmemory`"
        )
    assert isinstance(refused(lambda: store.create_gallery("h", SPEC)), CapacityExceeded)
    assert everything(server) == before


def test_a_full_redis_still_deletes_answers_and_forgets(server, store, gallery):
    first = write(store, gallery, *rows(50), key=KEY)
    fill(server)
    repeated = write(store, gallery, *rows(50), key=KEY)
    assert (repeated.seq, repeated.outcomes, repeated.repeated) == (1, first.outcomes, True)
    deleted = write(store, gallery, Delete("t0"), Delete("t1"), key=IdempotencyKey("d", "r"))
    assert (deleted.seq, deleted.outcomes) == (2, ("deleted", "deleted"))
    assert set(held(store, gallery)) == {f"t{number}" for number in range(2, 50)}
    store.begin_erasure(receipt(gallery))
    store.save_receipt(receipt(gallery, state="final", final_s=11.0))
    store.mark_replica(gallery, mark("r"))
    store.trim_log(gallery, upto=1)
    store.audit([])
    store.set_alias("a", gallery)
    store.purge()
    store.close()
    with opened_store(server) as again:
        assert again.state(gallery).seq == 2
        again.drop_gallery(gallery)
        assert again.galleries() == ()


def test_after_flushall_every_call_says_that_the_gallery_is_gone(server, store, gallery):
    write(store, gallery, *rows(3))
    with server.client() as client:
        client.flushall()
    calls = [
        lambda: store.state(gallery),
        lambda: store.rows(gallery, ["t0"]),
        lambda: list(store.scan(gallery)),
        lambda: write(store, gallery, upsert("a")),
        lambda: write(store, gallery, Delete("t0")),
        lambda: store.log(gallery, after=1, limit=9),
        lambda: store.entry_hash(gallery, 1),
        lambda: store.trim_log(gallery, upto=1),
        lambda: store.mark_replica(gallery, mark("r")),
        lambda: store.replicas(gallery),
        lambda: store.begin_erasure(receipt(gallery)),
        lambda: store.receipts(gallery),
        lambda: store.set_alias("a", gallery),
        lambda: store.drop_gallery(gallery),
    ]
    for call in calls:
        assert isinstance(refused(call), GalleryNotFound)
    assert (store.galleries(), store.aliases(), everything(server)) == ((), {}, {})
    anew = store.create_gallery("g", SPEC).gallery_id
    assert anew != gallery
    assert store.entry_hash(anew, 0) != first_hash(gallery)


UNSAFE = [
    ("maxmemory-policy", "allkeys-lru", "noeviction"),
    ("maxmemory-policy", "volatile-ttl", "noeviction"),
    ("appendfsync", "everysec", "always"),
    ("appendonly", "no", "yes"),
    ("no-appendfsync-on-rewrite", "yes", "no"),
]


@pytest.mark.parametrize(("option", "unsafe", "safe"), UNSAFE)
def test_an_option_changed_at_run_time_stops_writes_until_it_is_put_right(
    server, store, gallery, option, unsafe, safe
):
    write(store, gallery, upsert("a", 1))
    store.check()
    with server.client() as client:
        client.config_set(option, unsafe)
        for call in (store.check, lambda: write(store, gallery, upsert("b")), store.check):
            error = refused(call)
            assert isinstance(error, StoreUnavailable)
            assert f"received `{option} {unsafe}`" in str(error)
        assert set(held(store, gallery)) == {"a"}, "reads go on"
        client.config_set(option, safe)
    assert write(store, gallery, upsert("b", 2)).seq == 2
    store.check()
    store.purge()
    server.restart()
    assert set(held(store, gallery)) == {"a", "b"}


def test_a_redis_that_does_not_answer_leaves_the_outcome_unknown_and_the_key_tells_it(
    server, gallery
):
    with opened_store(server, timeout_s=0.5) as store:
        write(store, gallery, upsert("a", 1))
        server.pause()
        started = time.monotonic()
        error = refused(lambda: write(store, gallery, upsert("b", 2, enrolled_s=1.0), key=KEY))
        assert isinstance(error, OutcomeUnknown)
        assert "received TimeoutError; repeat the request with the same" in str(error)
        assert not isinstance(refused(lambda: store.state(gallery)), OutcomeUnknown)
        assert isinstance(refused(store.check), StoreUnavailable)
        assert time.monotonic() - started < 20, "each call is bounded by its timeout"
        server.resume()
        seqs = {write(store, gallery, upsert("b", 2, enrolled_s=1.0), key=KEY).seq for _ in "123"}
        assert seqs == {2}
        assert store.state(gallery).seq == 2
        assert set(held(store, gallery)) == {"a", "b"}


def test_a_late_answer_is_not_taken_for_that_of_the_next_command(server, gallery):
    with opened_store(server, timeout_s=0.3) as store:
        write(store, gallery, upsert("a", 1))
        for seed in range(5):
            server.pause()
            refused(lambda seed=seed: write(store, gallery, upsert("a", seed, enrolled_s=1.0)))
            refused(lambda: store.rows(gallery, ["a"]))
            server.resume()
            assert [row.tracklet_id for row in store.receipts(gallery)] == []
            assert store.galleries()[0].gallery_id == gallery
            assert store.rows(gallery, ["x"]) == [None]


def test_a_redis_that_became_a_replica_refuses_writes_and_nothing_is_unknown(
    server, store, gallery
):
    write(store, gallery, upsert("a", 1))
    with server.client() as client:
        client.execute_command("REPLICAOF", "127.0.0.1", "1")
        error = refused(lambda: write(store, gallery, upsert("b", 2)))
        assert type(error) is StoreUnavailable
        assert str(error).endswith(
            "that takes commands, received You can't write against a read only replica.; "
            "see the log of Redis, and repeat the request when it does"
        )
        assert "received one in the role slave" in str(refused(store.check))
        client.execute_command("REPLICAOF", "NO", "ONE")
    assert write(store, gallery, upsert("b", 2)).seq == 2


def test_a_redis_that_cannot_save_refuses_writes_and_nothing_is_unknown(server, store, gallery):
    write(store, gallery, upsert("a", 1))
    with server.client() as client:
        client.config_set("save", "3600 1000000")
        in_the_way = server.directory / "dump.rdb" / "a file"
        in_the_way.parent.mkdir()
        in_the_way.touch()
        client.bgsave()
        until = time.monotonic() + 10
        while client.info("persistence")["rdb_last_bgsave_status"] == "ok":
            assert time.monotonic() < until
        error = refused(lambda: write(store, gallery, upsert("b", 2)))
        assert type(error) is StoreUnavailable
        assert "that takes commands, received MISCONF" in str(error)
        client.config_set("save", "")
    assert write(store, gallery, upsert("b", 2)).seq == 2


def test_a_redis_that_is_loading_is_waited_for(server, gallery, store):
    write(store, gallery, upsert("a", 1))
    with server.client() as client:
        for number in range(200):
            client.set(f"other{number}", random.Random(number).randbytes(2000))
    store.purge()
    server.stop()
    # Ten milliseconds for each key, and an ear for clients every kilobyte.
    server.options |= {"key-load-delay": "10000", "loading-process-events-interval-bytes": "1024"}
    starting = threading.Thread(target=server.start)
    starting.start()
    refusals = []
    while starting.is_alive():
        try:
            write(store, gallery, upsert("b", 2, enrolled_s=1.0))
        except StoreUnavailable as error:
            refusals.append(error)
    starting.join(60)
    assert {type(error) for error in refusals} == {StoreUnavailable}
    assert any("Redis is loading the dataset" in str(error) for error in refusals)
    assert set(held(store, gallery)) == {"a", "b"}


def test_no_name_reaches_another_gallery_or_key(server, store, gallery):
    other = store.create_gallery("{g}", SPEC).gallery_id
    write(store, other, *rows(3))
    before = {name: held for name, held in everything(server).items() if other.encode() in name}
    hostile = [
        f"}}:rows{{{other}",
        f"reid:{{{other}}}:rows",
        f"{{{other}}}",
        "t0",
        "*",
        "a\r\n*1\r\n$8\r\nFLUSHALL\r\n",
        "\x00",
        "'] redis.call('FLUSHALL') --",
    ]
    for name in hostile:
        row = upsert(name, 5, identity="p", attributes={name: name})
        write(store, gallery, row, key=IdempotencyKey(f"{{{other}}}:rows", "r"))
        store.mark_replica(gallery, mark(name))
        store.begin_erasure(receipt(gallery, name, identity=name))
        store.set_alias(name, gallery)
        write(store, gallery, Delete(name))
    after = {name: held for name, held in everything(server).items() if other.encode() in name}
    assert {name: held for name, held in after.items() if b":idem:" not in name} == before
    log = store.log(gallery, after=0, limit=99)
    assert {name for entry in log for name in json.loads(entry.keys)[0][:1]} <= set(hostile)
