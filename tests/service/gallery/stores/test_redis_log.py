import threading
import time

import pytest

from service.gallery.gallery_errors import GalleryNotFound, LogTrimmed, StoreUnavailable
from service.gallery.stores import redis_log
from tests.erasure_receipts import mark
from tests.gallery_stores import SPEC, upsert, write
from tests.redis_galleries import key


@pytest.fixture
def gallery(redis_store):
    return redis_store.create_gallery("g", SPEC).gallery_id


def in_thread(work):
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_a_reader_that_waits_is_woken_by_the_entry(redis_store, gallery, monkeypatch):
    monkeypatch.setattr(redis_log, "_LONGEST_BLOCK_S", 30.0)
    for seq in range(1, 6):
        found = []
        reader = in_thread(
            lambda after=seq - 1, found=found: found.append(
                (redis_store.log(gallery, after=after, limit=9, wait_s=30.0), time.monotonic())
            )
        )
        time.sleep(0.05)
        started = time.monotonic()
        write(redis_store, gallery, upsert("a", seq))
        reader.join(40)
        [(entries, ended)] = found
        assert [entry.seq for entry in entries] == [seq]
        assert ended - started < 15, "found by the next look, and not by the entry"


def test_a_reader_sees_soon_that_its_gallery_was_dropped(redis_store, gallery):
    raised = []

    def wait():
        with pytest.raises(GalleryNotFound):
            redis_store.log(gallery, after=0, limit=1, wait_s=60.0)
        raised.append(True)

    reader = in_thread(wait)
    time.sleep(0.05)
    redis_store.drop_gallery(gallery)
    reader.join(20)
    assert raised == [True]


def test_readers_outlive_a_restart_and_miss_nothing(server, redis_store, gallery):
    write(redis_store, gallery, upsert("a", 1))
    found = []

    def read():
        after = 0
        while after < 2:
            try:
                entries = redis_store.log(gallery, after=after, limit=1, wait_s=5.0)
            except StoreUnavailable:
                time.sleep(0.05)
                continue
            found.extend(entry.seq for entry in entries)
            after = found[-1] if found else 0

    reader = in_thread(read)
    time.sleep(0.1)
    server.restart()
    write(redis_store, gallery, upsert("a", 2))
    reader.join(20)
    assert found == [1, 2]


def test_trimming_is_exact(server, redis_store, gallery):
    for seq in range(1, 301):
        write(redis_store, gallery, upsert("a", 1, enrolled_s=float(seq)))
    redis_store.trim_log(gallery, upto=137)
    with server.client() as client:
        assert client.xlen(key(gallery, "log")) == 163
    assert redis_store.entry_hash(gallery, 137) is None
    assert redis_store.log(gallery, after=137, limit=1)[0].seq == 138
    redis_store.trim_log(gallery, upto=-5)
    with server.client() as client:
        assert client.xlen(key(gallery, "log")) == 163


def test_entries_that_vanished_without_a_trim_are_missed_too(server, redis_store, gallery):
    for seed in range(3):
        write(redis_store, gallery, upsert("a", seed))
    with server.client() as client:
        client.xdel(key(gallery, "log"), "1-0")
        with pytest.raises(LogTrimmed, match="has seen write 1 or a later one, received one that"):
            redis_store.log(gallery, after=0, limit=9)
        client.delete(key(gallery, "log"))
    with pytest.raises(LogTrimmed, match="a reader that has seen write 3 or a later one"):
        redis_store.log(gallery, after=1, limit=9)
    assert redis_store.log(gallery, after=3, limit=9) == []


def test_a_changed_entry_is_found_by_the_chain_and_not_by_a_crash(server, redis_store, gallery):
    write(redis_store, gallery, upsert("a"))
    chain = redis_store.entry_hash(gallery, 0)
    (before,) = redis_store.log(gallery, after=0, limit=1)
    assert before.continues(0, chain)
    fields = {"keys": before.keys, "p": before.previous, "h": before.hash}
    for name in fields:
        with server.client() as client:
            client.delete(key(gallery, "log"))
            client.xadd(key(gallery, "log"), {**fields, name: b"\xff\xfe"}, id="1-0")
        (entry,) = redis_store.log(gallery, after=0, limit=1)
        assert not entry.continues(0, chain)


def test_marks_that_are_damaged_are_refused(server, redis_store, gallery):
    redis_store.mark_replica(gallery, mark("r"))
    for damage in [b"\xff", b"{}", b"[]", b'{"replica":"r"']:
        with server.client() as client:
            client.hset(key(gallery, "replicas"), "r", damage)
        with pytest.raises(StoreUnavailable, match="what replicas said in Redis as the service"):
            redis_store.replicas(gallery)
