"""What every store owes in its log: a chain of every write, and how far its readers have come."""

import hashlib
import json
import threading
import time
import zlib

import pytest

from service.gallery.gallery_errors import GalleryNotFound, LogTrimmed
from service.gallery.stores.batch import Delete
from service.gallery.stores.row_codec import pack_body
from tests.erasure_receipts import mark
from tests.gallery_stores import held, upsert, write


def write_five(store, gallery):
    """Five writes: created, created twice, replaced, deleted with one created, created."""
    write(store, gallery, upsert("a", 1))
    write(store, gallery, upsert("b", 2), upsert("é:{c}", 3))
    write(store, gallery, upsert("a", 4))
    write(store, gallery, Delete("b"), upsert("d", 5))
    write(store, gallery, upsert("e", 6))


def test_the_log_has_an_entry_for_each_write_that_names_what_it_touched(store, gallery):
    assert store.log(gallery, after=0, limit=9) == []
    write_five(store, gallery)
    entries = store.log(gallery, after=0, limit=9)
    assert [entry.seq for entry in entries] == [1, 2, 3, 4, 5]
    touched = [("a",), ("b", "é:{c}"), ("a",), ("b", "d"), ("e",)]
    assert [entry.touched() for entry in entries] == touched


def test_an_entry_holds_the_checksum_of_each_row_and_null_for_a_deletion(store, gallery):
    write_five(store, gallery)
    record = held(store, gallery)["d"]
    body = pack_body("d", record.embedding, record.metadata, enrolled_s=record.enrolled_s)
    entry = store.log(gallery, after=3, limit=1)[0]
    assert json.loads(entry.keys) == [["b", None], ["d", zlib.crc32(body.raw)]]


def test_each_entry_is_chained_to_the_one_before(store, gallery):
    write_five(store, gallery)
    chain = hashlib.sha1(gallery.encode()).hexdigest()
    assert store.entry_hash(gallery, 0) == chain
    for entry in store.log(gallery, after=0, limit=9):
        assert entry.previous == chain
        assert entry.continues(entry.seq - 1, chain)
        chain = hashlib.sha1(f"{chain}|{entry.seq}|{entry.keys}".encode()).hexdigest()
        assert entry.hash == chain == store.entry_hash(gallery, entry.seq)
    assert store.state(gallery).chain == chain
    assert store.entry_hash(gallery, 6) is None


def test_a_reader_gets_what_follows_its_write_and_no_more_than_it_asks_for(store, gallery):
    write_five(store, gallery)

    def seqs(after, limit):
        return [entry.seq for entry in store.log(gallery, after=after, limit=limit)]

    assert seqs(0, 2) == [1, 2]
    assert seqs(2, 2) == [3, 4]
    assert seqs(4, 9) == [5]
    assert seqs(5, 9) == []
    assert seqs(99, 9) == []


def test_trimmed_entries_are_refused_by_name_and_later_ones_are_not(store, gallery):
    write_five(store, gallery)
    chain = store.entry_hash(gallery, 3)
    store.trim_log(gallery, upto=3)
    for after in (0, 2):
        with pytest.raises(LogTrimmed) as caught:
            store.log(gallery, after=after, limit=9)
        assert "write 3" in caught.value.expected
        assert f"write {after}" in caught.value.received
        assert "read the rows again" in caught.value.remedy
    assert [entry.seq for entry in store.log(gallery, after=3, limit=9)] == [4, 5]
    assert store.log(gallery, after=3, limit=1)[0].previous == chain
    assert store.entry_hash(gallery, 3) is None
    assert store.entry_hash(gallery, 4) is not None
    assert store.entry_hash(gallery, 0) is not None
    assert set(held(store, gallery)) == {"a", "é:{c}", "d", "e"}


def test_trimming_everything_leaves_a_log_that_goes_on(store, gallery):
    write_five(store, gallery)
    chain = store.state(gallery).chain
    store.trim_log(gallery, upto=99)
    assert store.state(gallery).chain == chain
    assert store.log(gallery, after=5, limit=9) == []
    with pytest.raises(LogTrimmed):
        store.log(gallery, after=4, limit=9)
    assert write(store, gallery, upsert("f")).seq == 6
    (entry,) = store.log(gallery, after=5, limit=9)
    assert entry.continues(5, chain)


def test_trimming_less_than_before_brings_nothing_back(store, gallery):
    write_five(store, gallery)
    store.trim_log(gallery, upto=4)
    store.trim_log(gallery, upto=2)
    store.trim_log(gallery, upto=0)
    with pytest.raises(LogTrimmed):
        store.log(gallery, after=2, limit=9)
    assert [entry.seq for entry in store.log(gallery, after=4, limit=9)] == [5]


def test_a_reader_that_waits_is_woken_by_the_next_write(store, gallery):
    write(store, gallery, upsert("a"))
    found = []

    def read():
        found.extend(store.log(gallery, after=1, limit=9, wait_s=30.0))

    reader = threading.Thread(target=read)
    reader.start()
    time.sleep(0.3)
    assert not found
    began_s = time.monotonic()
    write(store, gallery, upsert("b"))
    reader.join(30)
    assert [entry.seq for entry in found] == [2]
    assert time.monotonic() - began_s < 10


def test_a_write_to_another_gallery_ends_no_wait(store, gallery):
    other = store.create_gallery("other", store.galleries()[0].spec).gallery_id
    timer = threading.Timer(0.1, lambda: write(store, other, upsert("a")))
    timer.start()
    began_s = time.monotonic()
    assert store.log(gallery, after=0, limit=9, wait_s=0.4) == []
    assert time.monotonic() - began_s >= 0.4
    timer.join()


def test_a_reader_waits_no_longer_than_it_says(store, gallery):
    began_s = time.monotonic()
    assert store.log(gallery, after=0, limit=9) == []
    assert time.monotonic() - began_s < 2
    assert store.log(gallery, after=0, limit=9, wait_s=0.2) == []
    assert time.monotonic() - began_s >= 0.2


def test_a_reader_of_a_gallery_that_is_dropped_learns_it(store, gallery):
    timer = threading.Timer(0.1, lambda: store.drop_gallery(gallery))
    timer.start()
    with pytest.raises(GalleryNotFound):
        store.log(gallery, after=0, limit=9, wait_s=1.0)
    timer.join()


def test_each_reader_says_for_itself_how_far_it_has_come(store, gallery):
    assert store.replicas(gallery) == ()
    first, second = mark("a"), mark("{b}:é", 7.25, applied_seq=9, forgotten_seq=3)
    store.mark_replica(gallery, second)
    store.mark_replica(gallery, first)
    assert set(store.replicas(gallery)) == {first, second}
    later = mark("a", 8.0, snapshot_seq=4, applied_seq=5)
    store.mark_replica(gallery, later)
    assert set(store.replicas(gallery)) == {later, second}
