"""What has expired is deleted, by the store's clock, once, by whoever comes first."""

import math
import threading
from dataclasses import replace

import pytest

from service.gallery.erasure_places import Subject, new_receipt
from service.gallery.filter_tree import EVERYTHING
from service.gallery.gallery_errors import StoreUnavailable
from service.gallery.retention import MOST_SET_BACK_S, expired
from service.gallery.stores.audit_entry import AuditEntry
from service.gallery.stores.protocol import GalleryModel, GallerySpec
from tests.forgetting import DIMENSION, TIMES, SetClock, held, person, put, sweeper
from tests.log_follower import LogFollower

DAY_S = 86400.0


@pytest.fixture
def clock():
    return SetClock(10 * DAY_S)


def ids(view, now_s):
    return sorted(view.ids(view.select(EVERYTHING, now_s=now_s)))


def test_expiry_takes_effect_at_once_and_the_sweep_deletes_it(store, info, clock):
    now_s = clock.now_s
    put(store, info, person("t1", "p1", expires_s=now_s + 5), person("t2", "p1"))
    replica = LogFollower(store, info)
    replica.catch_up(1)
    assert ids(replica.view(), now_s + 4.9) == ["t1", "t2"]
    assert ids(replica.view(), now_s + 5) == ["t2"]
    swept = sweeper(store, replica)
    swept.sweep()
    assert held(store, info) == ["t1", "t2"]
    clock.now_s = now_s + 5
    swept.sweep()
    assert held(store, info) == ["t2"]
    assert (swept.deleted, swept.sweeps) == (1, 2)


def test_a_sweep_finds_what_expired_and_nothing_else(store, info, clock):
    now_s = clock.now_s
    put(
        store,
        info,
        person("t1", "p1", expires_s=now_s),
        person("t2", "p2", expires_s=math.nextafter(now_s, math.inf)),
        person("t3", "p3"),
    )
    replica = LogFollower(store, info)
    replica.catch_up(1)
    assert [name for name, _ in expired(replica.view(), now_s=now_s)] == ["t1"]


def test_a_second_sweep_does_nothing(store, info, clock):
    put(store, info, person("t1", "p1", expires_s=clock.now_s - 1))
    swept = sweeper(store, LogFollower(store, info))
    swept.sweep()
    seq = store.state(info.gallery_id).seq
    swept.sweep()
    assert store.state(info.gallery_id).seq == seq
    assert swept.deleted == 1


def test_the_gallerys_retention_makes_rows_expire_by_the_stores_clock(store, clock):
    spec = GallerySpec(GalleryModel("f" * 64, DIMENSION), retention_s=100.0)
    info = store.create_gallery("short", spec)
    put(store, info, person("t1", "p1"), person("t2", "p2", expires_s=clock.now_s + 500))
    swept = sweeper(store, LogFollower(store, info))
    clock.now_s += 100.0
    swept.sweep()
    assert held(store, info) == ["t2"]


def test_a_row_that_was_replaced_by_a_lasting_one_stays(store, info, clock):
    put(store, info, person("t1", "p1", expires_s=clock.now_s - 1))
    behind = LogFollower(store, info)
    behind.catch_up(1)
    put(store, info, person("t1", "p1"))
    sweeper(store, behind).sweep()
    assert held(store, info) == ["t1"]


def test_replicas_sweep_at_the_same_time(store, info, clock):
    for start in range(0, 1000, 250):
        put(
            store,
            info,
            *(person(f"t{n}", "p1", expires_s=clock.now_s) for n in range(start, start + 250)),
            person(f"kept{start}", "p1"),
        )
    sweepers = [sweeper(store, LogFollower(store, info, name)) for name in "abc"]
    threads = [threading.Thread(target=one.sweep) for one in sweepers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert held(store, info) == ["kept0", "kept250", "kept500", "kept750"]
    assert sum(one.deleted for one in sweepers) == 1000
    assert [one.sweeps for one in sweepers] == [1, 1, 1]


def test_a_clock_a_day_ahead_expires_and_a_day_back_pauses_until_it_has_caught_up(
    store, info, clock
):
    now_s = clock.now_s
    put(
        store,
        info,
        person("t1", "p1", expires_s=now_s + DAY_S),
        person("t2", "p2", expires_s=now_s + 2 * DAY_S),
    )
    swept = sweeper(store, LogFollower(store, info))
    clock.now_s = now_s + DAY_S
    swept.sweep()
    assert held(store, info) == ["t2"]

    put(store, info, person("t3", "p3", expires_s=now_s - 1))
    clock.now_s = now_s
    swept.sweep()
    assert (swept.paused, held(store, info)) == (True, ["t2", "t3"])
    clock.now_s = now_s + DAY_S - MOST_SET_BACK_S - 1
    swept.sweep()
    assert (swept.paused, held(store, info)) == (True, ["t2", "t3"])
    clock.now_s += 1
    swept.sweep()
    assert (swept.paused, held(store, info)) == (False, ["t2"])


def test_a_clock_corrected_by_less_than_an_hour_is_none_of_its_business(store, info, clock):
    swept = sweeper(store, LogFollower(store, info))
    swept.sweep()
    clock.now_s -= MOST_SET_BACK_S
    put(store, info, person("t1", "p1", expires_s=clock.now_s))
    swept.sweep()
    assert (swept.paused, held(store, info)) == (False, [])


def test_a_clock_set_back_while_nobody_swept_is_noticed_by_what_replicas_said(store, info, clock):
    replica = LogFollower(store, info)
    replica.say(clock.now_s + DAY_S)
    put(store, info, person("t1", "p1", expires_s=clock.now_s))
    swept = sweeper(store, replica)
    swept.sweep()
    assert (swept.paused, held(store, info)) == (True, ["t1"])


def test_names_leave_the_audit_log_and_the_receipts_after_their_time(store, info, clock):
    def entry(at_s):
        return AuditEntry(at_s, "me", "search", "lobby", "p1", None, None)

    store.audit([entry(clock.now_s), entry(clock.now_s + 5)])
    receipt = new_receipt(
        info.gallery_id, Subject("p1"), driver="a", now_s=clock.now_s, deadline_s=1.0
    )
    store.begin_erasure(receipt)
    swept = sweeper(store, LogFollower(store, info))
    clock.now_s += TIMES.audit_s + 1
    swept.sweep()
    assert [one.at_s for _, one in store.audit_entries(after=None, limit=9)] == [10 * DAY_S + 5]
    (unfinished,) = store.receipts(info.gallery_id)
    assert unfinished == receipt

    final = replace(receipt, state="final", final_s=clock.now_s)
    store.save_receipt(final)
    swept.sweep()
    assert store.receipts(info.gallery_id) == (final,)
    clock.now_s += TIMES.audit_s + 1
    swept.sweep()
    (nameless,) = store.receipts(info.gallery_id)
    assert (nameless.identity, nameless.receipt_id) == (None, receipt.receipt_id)


def test_a_store_that_is_away_stops_one_sweep_and_not_the_next(store, info, clock):
    put(store, info, person("t1", "p1", expires_s=clock.now_s))
    swept = sweeper(store, LogFollower(store, info))
    store.close()
    with pytest.raises(StoreUnavailable):
        swept.sweep()
    store.open()
    swept.sweep()
    assert (swept.sweeps, held(store, info)) == (1, [])


def test_it_sweeps_on_a_thread_of_its_own(store, info, clock):
    put(store, info, person("t1", "p1", expires_s=clock.now_s))
    swept = sweeper(store, LogFollower(store, info))
    swept.start()
    assert swept.alive
    swept.close()
    assert (swept.sweeps, held(store, info)) == (1, [])
