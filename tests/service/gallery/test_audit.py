"""Who did what is written before the answer, or within a second; and what is missing is counted."""

import time

import pytest

from service.errors import Overloaded
from service.gallery.audit import MISSING, AuditLog, Caller, Deed
from service.gallery.gallery_errors import StoreUnavailable
from service.gallery.stores.sqlite_gallery_store import SqliteGalleryStore

CALLER = Caller("10.0.0.7", purpose="lost child", request_id="r1")
SEARCH = Deed("search", "lobby", subject="t1")


@pytest.fixture
def store(tmp_path):
    opened = SqliteGalleryStore(tmp_path / "g.sqlite3", clock=lambda: 50.0)
    opened.open()
    yield opened
    opened.close()


def audit_log(store, most_waiting=1000):
    return AuditLog(store, most_waiting=most_waiting, clock=lambda: 7.5)


def written(store):
    return [entry for _, entry in store.audit_entries(after=None, limit=1000)]


def test_a_record_is_durable_when_its_call_is_done(store):
    log = audit_log(store)
    log.start()
    log.record(CALLER, Deed("erase", "lobby", subject="p1", count=3)).result(10)
    (entry,) = written(store)
    log.close()
    assert (entry.at_s, entry.actor, entry.action, entry.gallery) == (
        7.5,
        "10.0.0.7",
        "erase",
        "lobby",
    )
    assert (entry.subject, entry.purpose, entry.request_id) == ("p1", "lost child", "r1")
    assert entry.count == 3


def test_a_note_is_written_within_a_second_and_nobody_waits_for_it(store):
    log = audit_log(store)
    log.start()
    time.sleep(0.05)
    log.note(CALLER, SEARCH)
    started_s = time.monotonic()
    while not written(store) and time.monotonic() < started_s + 10:
        time.sleep(0.01)
    took_s = time.monotonic() - started_s
    log.close()
    assert [entry.action for entry in written(store)] == ["search"]
    assert took_s < 1.5


def test_notes_and_records_keep_their_order_across_batches(store):
    log = audit_log(store)
    for number in range(600):
        log.note(CALLER, Deed("search", "lobby", subject=str(number)))
    log.write_waiting()
    assert [entry.subject for entry in written(store)] == [str(n) for n in range(600)]
    assert log.waiting == 0


def test_closing_writes_what_waits(store):
    log = audit_log(store)
    log.note(CALLER, SEARCH)
    log.close()
    assert len(written(store)) == 1


def test_a_full_queue_drops_notes_counts_them_and_an_entry_says_how_many(store):
    log = audit_log(store, most_waiting=2)
    for _ in range(5):
        log.note(CALLER, SEARCH)
    assert (log.waiting, log.dropped) == (2, 3)
    log.write_waiting()
    *searches, gap = written(store)
    assert [entry.action for entry in searches] == ["search"] * 2
    assert (gap.action, gap.count, gap.actor) == (MISSING, 3, "service")
    log.write_waiting()
    assert len(written(store)) == 3


def test_a_full_queue_refuses_a_record(store):
    log = audit_log(store, most_waiting=1)
    log.note(CALLER, SEARCH)
    with pytest.raises(Overloaded, match="expected at most 1 audit entries waiting for the store"):
        log.record(CALLER, SEARCH)
    assert log.dropped == 0


def test_without_the_store_notes_wait_and_whoever_records_is_told(store, tmp_path):
    log = audit_log(store, most_waiting=4)
    store.close()
    log.note(CALLER, Deed("search", "lobby", subject="kept"))
    recorded = log.record(CALLER, Deed("delete", "lobby"))
    with pytest.raises(StoreUnavailable):
        log.write_waiting()
    with pytest.raises(StoreUnavailable):
        recorded.result(0)
    assert log.waiting == 1

    for _ in range(5):
        log.note(CALLER, Deed("search", "lobby", subject="later"))
    with pytest.raises(StoreUnavailable):
        log.write_waiting()
    store.open()
    log.write_waiting()
    found = [(entry.action, entry.subject, entry.count) for entry in written(store)]
    assert found == [
        ("search", "kept", None),
        *[("search", "later", None)] * 3,
        (MISSING, None, 2),
    ]


def test_what_cannot_be_written_at_the_close_is_counted_and_told(store):
    log = audit_log(store)
    store.close()
    for _ in range(300):
        log.note(CALLER, SEARCH)
    recorded = log.record(CALLER, SEARCH)
    log.close()
    assert (log.waiting, log.dropped) == (0, 301)
    with pytest.raises(StoreUnavailable):
        recorded.result(0)
    log.note(CALLER, SEARCH)
    assert log.dropped == 302
    with pytest.raises(StoreUnavailable, match="expected an open audit log"):
        log.record(CALLER, SEARCH)


def test_somebody_who_gave_up_waiting_does_not_stop_the_others(store):
    log = audit_log(store)
    gone, stays = log.record(CALLER, SEARCH), log.record(CALLER, SEARCH)
    assert gone.cancel()
    log.write_waiting()
    assert stays.result(0) is None
    assert len(written(store)) == 2
