import signal
import threading
import time

import numpy as np
import pytest

from service.errors import InvalidQuery
from service.gallery.gallery_errors import StoreUnavailable
from service.gallery.stores import redis_forgetting
from service.gallery.stores.audit_entry import AuditEntry
from service.gallery.stores.batch import Delete
from tests.erasure_receipts import receipt
from tests.gallery_stores import SPEC, bytes_below, unit, upsert, write
from tests.redis_galleries import everything, key, opened_store
from tests.redis_server import RedisServer


@pytest.fixture
def gallery(redis_store):
    return redis_store.create_gallery("g", SPEC).gallery_id


def raw(seed):
    return unit(seed).astype(np.float16).tobytes()


def entry(at_s):
    return AuditEntry(at_s, "someone", "search", "g", None, None, None)


def moments(store):
    return [found.at_s for _, found in store.audit_entries(after=None, limit=10_000)]


def test_purging_takes_deleted_and_replaced_rows_out_of_the_rdb_file_too(tmp_path):
    options = {"save": "3600 1", "rdbcompression": "no"}
    with RedisServer(tmp_path, options=options) as server, opened_store(server) as store:
        gallery = store.create_gallery("g", SPEC).gallery_id
        write(store, gallery, upsert("a", 1), upsert("b", 2), upsert("c", 3))
        with server.client() as client:
            client.save()
        write(store, gallery, Delete("a"), upsert("b", 4))
        assert raw(1) in (tmp_path / "dump.rdb").read_bytes()
        store.purge()
        left = bytes_below(tmp_path)
        assert (raw(1) in left, raw(2) in left) == (False, False)
        assert (raw(3) in left, raw(4) in left) == (True, True)
        server.restart()
        assert store.state(gallery).tracklets == 2


def test_purging_makes_no_rdb_file_where_there_is_none(server, redis_store):
    redis_store.purge()
    assert not (server.directory / "dump.rdb").exists()


@pytest.mark.parametrize("other", ["BGREWRITEAOF", "BGSAVE"])
def test_a_file_that_was_begun_before_a_deletion_does_not_count(tmp_path, other):
    options = {"rdbcompression": "no", "rdb-key-save-delay": "20000"}
    with RedisServer(tmp_path, options=options) as server, opened_store(server) as store:
        gallery = store.create_gallery("g", SPEC).gallery_id
        for start in range(0, 200, 100):
            write(store, gallery, *[upsert(f"{start + seed}", seed) for seed in range(100)])
        with server.client() as client:
            for number in range(50):
                client.set(f"delay{number}", 1)
            client.execute_command(other)
            server.signal_children(signal.SIGSTOP)
            write(store, gallery, Delete("7"))
            under_way = client.info("persistence")
            assert under_way["rdb_bgsave_in_progress"] == (other == "BGSAVE")
            assert under_way["aof_rewrite_in_progress"] == (other == "BGREWRITEAOF")
            client.config_set("rdb-key-save-delay", 0)
            server.signal_children(signal.SIGCONT)
        write(store, gallery, *[Delete(f"{seed + 100}") for seed in range(100)])
        store.purge()
        left = bytes_below(tmp_path)
        assert raw(7) not in left
        assert raw(8) in left


def test_a_purge_that_redis_cannot_make_is_an_error_and_can_be_repeated(server, redis_store):
    folder = server.append_only_directory
    hidden = folder.rename(folder.with_name("elsewhere"))
    folder.write_text("in the way of the folder that Redis would make")
    with pytest.raises(StoreUnavailable) as caught:
        redis_store.purge()
    assert str(caught.value) == (
        f"expected a Redis at 127.0.0.1:{server.port} that takes commands, received Can't execute "
        "an AOF background rewriting. Please check the server logs for more information.; "
        "see the log of Redis, and repeat the request when it does"
    )
    folder.unlink()
    hidden.rename(folder)
    redis_store.purge()


def test_a_purge_that_fails_on_the_way_is_an_error(server, redis_store):
    with server.client() as client:
        for number in range(100):
            client.set(f"delay{number}", 1)
        client.config_set("rdb-key-save-delay", 100_000)
        purging = threading.Thread(target=_purge_in_vain, args=(redis_store,))
        purging.start()
        until = time.monotonic() + 5
        while not client.info("persistence")["aof_rewrite_in_progress"]:
            assert time.monotonic() < until
        server.signal_children(signal.SIGKILL)
        purging.join(30)
        client.config_set("rdb-key-save-delay", 0)
    redis_store.purge()


def _purge_in_vain(store):
    with pytest.raises(StoreUnavailable) as caught:
        store.purge()
    assert str(caught.value) == (
        "expected Redis to finish BGREWRITEAOF, received a failure, which its log explains; "
        "make room on its disk; the purge is tried again"
    )


def test_a_purge_that_does_not_end_is_given_up(redis_store, server, monkeypatch):
    monkeypatch.setattr(redis_forgetting, "_PURGED_WITHIN_S", 0.1)
    with server.client() as client:
        client.set("a", 1)
        client.config_set("rdb-key-save-delay", 5_000_000)
        client.bgsave()
    server.signal_children(signal.SIGSTOP)
    with pytest.raises(StoreUnavailable) as caught:
        redis_store.purge()
    server.signal_children(signal.SIGKILL)
    assert str(caught.value) == (
        "expected Redis to write its files within 0.1 s, received one that is still at it; "
        "see its log; the purge is tried again"
    )


def test_a_purge_during_which_redis_was_started_again_does_not_count(
    server, redis_store, monkeypatch
):
    waits = redis_store._await_no_child

    def restarted(until_s):
        server.restart()
        waits(until_s)

    monkeypatch.setattr(redis_store, "_await_no_child", restarted)
    with pytest.raises(StoreUnavailable) as caught:
        redis_store.purge()
    assert str(caught.value) == (
        "expected Redis to run until its files are written, received one that was started again "
        "meanwhile; wait: the purge is tried again"
    )
    monkeypatch.undo()
    redis_store.purge()


def test_purges_of_several_threads_all_return(redis_store):
    threads = [threading.Thread(target=redis_store.purge) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads)


def test_the_audit_log_keeps_the_newest(redis_store, monkeypatch):
    monkeypatch.setattr(redis_forgetting, "_MOST_AUDIT_ENTRIES", 300)
    redis_store.audit([entry(float(number)) for number in range(700)])
    assert moments(redis_store) == [float(number) for number in range(400, 700)]


def test_trimming_the_audit_log_goes_on_over_several_pieces(redis_store):
    redis_store.audit([entry(float(number)) for number in range(1000)])
    redis_store.trim_audit(before_s=777.0)
    assert moments(redis_store) == [float(number) for number in range(777, 1000)]


def test_entries_slightly_out_of_order_are_trimmed_by_their_moment(redis_store):
    redis_store.audit([entry(at_s) for at_s in (5.0, 1.0, 7.0, 2.0, 9.0)])
    redis_store.trim_audit(before_s=5.0)
    assert moments(redis_store) == [5.0, 7.0, 9.0]


@pytest.mark.parametrize("after", ["", "x", "1", "1-", "-", "+", "(1-0", "1-0\n", "9" * 20 + "-0"])
def test_a_position_that_is_none_is_refused(redis_store, after):
    with pytest.raises(InvalidQuery) as caught:
        redis_store.audit_entries(after=after, limit=1)
    assert str(caught.value) == (
        f"expected a position in the audit log, received {after!r}; "
        "pass the position of the last entry that was read, as it came"
    )


def test_damaged_receipts_and_audit_entries_are_refused(server, redis_store, gallery):
    redis_store.begin_erasure(receipt(gallery))
    with server.client() as client:
        client.hset(key(gallery, "receipts"), "r1", b"{")
        client.xadd("reid:audit", {"e": b"\xff"})
    with pytest.raises(StoreUnavailable, match="expected a receipt in Redis as the service wrote"):
        redis_store.receipts(gallery)
    with pytest.raises(StoreUnavailable, match="expected the audit log in Redis as the service"):
        redis_store.audit_entries(after=None, limit=9)


def test_an_identity_of_two_erasures_is_free_when_both_are_final(server, redis_store, gallery):
    for name in ("r1", "r2"):
        redis_store.begin_erasure(receipt(gallery, name))
    for left, name in ((1, "r1"), (0, "r2")):
        redis_store.save_receipt(receipt(gallery, name, state="final", final_s=11.0))
        with server.client() as client:
            assert client.hlen(key(gallery, "erasing")) == left
    assert key(gallery, "erasing").encode() not in everything(server)
