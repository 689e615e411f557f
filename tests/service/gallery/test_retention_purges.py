"""What has been deleted, replaced or dropped leaves memory and files, once for all replicas."""

import pytest

from service.gallery.erasure_places import PRESENT_S
from service.gallery.gallery_errors import StoreUnavailable
from service.gallery.retention import RetentionSweeper
from service.gallery.stores.sqlite_gallery_store import SqliteGalleryStore
from tests.forgetting import SPEC, TIMES, SetClock, drop, person, put, sweeper
from tests.log_follower import LogFollower


@pytest.fixture
def clock():
    return SetClock()


@pytest.fixture
def store(tmp_path, clock):
    opened = SqliteGalleryStore(tmp_path / "g.sqlite3", clock=clock)
    opened.open()
    yield opened
    opened.close()


@pytest.fixture
def info(store):
    return store.create_gallery("lobby", SPEC)


def test_deleted_bytes_leave_memory_and_files_now_and_then(store, info, monkeypatch):
    purges, real, steady = [], store.purge, SetClock(0.0)
    monkeypatch.setattr(store, "purge", lambda: (purges.append(steady.now_s), real()))
    replica = LogFollower(store, info)
    swept = sweeper(store, replica, steady=steady)
    put(store, info, person("t1", "p1"))
    drop(store, info, "t1")
    swept.sweep()
    assert (purges, replica.forgets) == ([], 0)
    for steady.now_s in (TIMES.purge_every_s, 2 * TIMES.purge_every_s):
        swept.sweep()
    assert (purges, replica.forgets) == ([TIMES.purge_every_s], 1)
    assert replica.forgotten_seq == 2

    put(store, info, person("t2", "p1"))
    steady.now_s = 2.5 * TIMES.purge_every_s
    swept.sweep()
    assert len(purges) == 1
    steady.now_s = 3 * TIMES.purge_every_s
    swept.sweep()
    assert len(purges) == 2


def test_a_purge_that_fails_is_made_up_for(store, info, monkeypatch):
    purges, steady = [], SetClock(0.0)

    def purge():
        purges.append(steady.now_s)
        if len(purges) == 1:
            raise StoreUnavailable(expected="room", received="none", remedy="make some")

    monkeypatch.setattr(store, "purge", purge)
    swept = sweeper(store, LogFollower(store, info), steady=steady)
    put(store, info, person("t1", "p1"))
    steady.now_s = TIMES.purge_every_s
    with pytest.raises(StoreUnavailable):
        swept.sweep()
    swept.sweep()
    assert purges == [TIMES.purge_every_s] * 2, "it need not wait for the next write"
    for steady.now_s in (2 * TIMES.purge_every_s, 3 * TIMES.purge_every_s):
        swept.sweep()
    assert len(purges) == 2


def test_a_search_that_goes_on_delays_the_purge(store, info, monkeypatch):
    purges, steady = [], SetClock(0.0)
    monkeypatch.setattr(store, "purge", lambda: purges.append(1))
    replica = LogFollower(store, info)
    swept = sweeper(store, replica, steady=steady)
    put(store, info, person("t1", "p1"))
    replica.catch_up(1)
    pinned = replica.view()
    drop(store, info, "t1")
    steady.now_s = TIMES.purge_every_s
    swept.sweep()
    assert purges == []
    del pinned
    steady.now_s *= 2
    swept.sweep()
    assert purges == [1]


def test_the_first_of_the_running_replicas_purges_for_all(store, info, monkeypatch, clock):
    purges, steady = [], SetClock(0.0)
    monkeypatch.setattr(store, "purge", lambda: purges.append(1))
    first, second = LogFollower(store, info, "a"), LogFollower(store, info, "b")
    put(store, info, person("t1", "p1"))
    first.say(clock.now_s)
    swept = sweeper(store, second, steady=steady)
    steady.now_s = TIMES.purge_every_s
    swept.sweep()
    assert (purges, second.forgets) == ([], 1)
    clock.now_s += PRESENT_S + 1
    put(store, info, person("t2", "p1"))
    steady.now_s *= 2
    swept.sweep()
    assert purges == [1]


@pytest.mark.parametrize("has_been_purged", [True, False])
def test_a_dropped_gallery_leaves_the_files_too(store, info, monkeypatch, has_been_purged):
    purges, steady = [], SetClock(0.0)
    replica = LogFollower(store, info)
    open_replicas = [replica]
    swept = RetentionSweeper(
        store, lambda: [(one.info, one) for one in open_replicas], TIMES, clock=steady
    )
    put(store, info, person("t1", "p1"))
    steady.now_s = TIMES.purge_every_s * has_been_purged
    swept.sweep()
    monkeypatch.setattr(store, "purge", lambda: purges.append(1))
    store.drop_gallery(info.gallery_id)
    open_replicas.clear()
    for steady.now_s in (2 * TIMES.purge_every_s, 3 * TIMES.purge_every_s):
        swept.sweep()
    assert purges == [1]
