"""Replicas that share one real Redis come to hold the same, whatever becomes of it."""

import shutil
import threading
import time
from contextlib import ExitStack
from dataclasses import replace
from random import Random

import pytest

from service.errors import NotReady
from service.gallery.gallery_errors import StoreUnavailable
from service.gallery.stores.batch import Delete
from service.gallery.stores.redis_gallery_store import RedisGalleryStore
from tests.gallery_stores import SPEC, upsert, write
from tests.replicas import PATIENCE_S, QUICK, SetClock, Writers, fill, ids_in, started, until


@pytest.fixture
def store(server):
    store = RedisGalleryStore(server.url)
    store.open()
    yield store
    store.close()


@pytest.fixture
def info(store):
    return store.create_gallery("staff", SPEC)


@pytest.fixture
def replicas(server, info, tmp_path):
    """Three replicas, each with a connection and a directory of its own, as in three processes."""
    with ExitStack() as stack:
        found = []
        for name in ("one", "two", "three"):
            own = RedisGalleryStore(server.url)
            own.open()
            stack.callback(own.close)
            found.append(stack.enter_context(started(own, info, tmp_path / name, name)))
        yield found


def equal_states(store, info, replicas):
    """The states of all, once each has caught up."""
    return {replica.catch_up(PATIENCE_S).state for replica in replicas} | {
        store.state(info.gallery_id)
    }


def test_under_writers_all_converge_to_the_state_of_the_store(store, info, replicas):
    with Writers(store, info, 4):
        for replica in Random(1).choices(replicas, k=12):
            time.sleep(0.1)
            replica.snapshot()
    assert len(equal_states(store, info, replicas)) == 1
    for replica in replicas:
        status = replica.status()
        assert (status.divergences, status.rebuilds) == (0, 1)
        assert replica.verify().agrees
    marks = {mark.replica for mark in store.replicas(info.gallery_id)}
    assert marks == {"one", "two", "three"}


def test_who_waits_for_a_write_never_sees_less_on_any_replica(store, info, replicas):
    stale = []

    def write_and_read(number):
        random = Random(number)
        for turn in range(25):
            name = f"mine{number}"
            seq = write(store, info.gallery_id, upsert(name, turn)).seq
            replica = random.choice(replicas)
            replica.wait_for(seq, PATIENCE_S)
            if replica.view().record_head(name).seq != seq:
                stale.append((number, turn))
            replica = random.choice(replicas)
            replica.wait_for(write(store, info.gallery_id, Delete(name)).seq, PATIENCE_S)
            if replica.view().record_head(name) is not None:
                stale.append((number, turn))

    threads = [threading.Thread(target=write_and_read, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stale == []
    assert len(equal_states(store, info, replicas)) == 1


def test_a_replica_behind_a_trimmed_log_reads_the_rows_again(server, store, info, tmp_path):
    fill(store, info, 10)
    with started(store, info, tmp_path / "late", "late"):
        pass
    fill(store, info, 10, first=5)
    write(store, info.gallery_id, Delete("t0"))
    for number in range(30):
        write(store, info.gallery_id, upsert("t1", number))
    store.trim_log(info.gallery_id, upto=20)
    with started(store, info, tmp_path / "late", "late") as replica:
        assert replica.status().rebuilds == 1
        assert replica.view().state == store.state(info.gallery_id)
        assert replica.verify().agrees


def test_a_log_trimmed_under_a_running_replica_is_no_end(server, store, info, tmp_path):
    fill(store, info, 10)
    with started(store, info, tmp_path / "one", "one") as replica:
        server.pause()
        server.resume()
        with server.client() as client:
            # What another writer would do, faster than this replica reads.
            pipeline = client.pipeline(transaction=True)
            pipeline.xtrim(f"reid:{{{info.gallery_id}}}:log", maxlen=0)
            pipeline.execute()
        fill(store, info, 10, first=20)
        until(lambda: replica.status().is_ready and replica.status().lag == 0)
        assert len(equal_states(store, info, [replica])) == 1


def shortened(server, work):
    """Let Redis lose what `work` wrote, as a machine does whose disk lied: what it held before."""
    server.stop()
    before = server.directory.with_name("before")
    shutil.copytree(server.directory, before)
    server.start()
    work()
    server.stop()
    shutil.rmtree(server.directory)
    before.rename(server.directory)
    server.start()


def test_a_shorter_log_is_noticed_and_ghosts_are_dropped(server, store, info, replicas):
    fill(store, info, 10)
    equal_states(store, info, replicas)

    def work():
        write(store, info.gallery_id, upsert("ghost", 1), Delete("t3"))
        for replica in replicas:
            replica.wait_for(2, PATIENCE_S)
            assert "ghost" in ids_in(replica.view())

    shortened(server, work)
    for replica in replicas:
        until(lambda one=replica: one.status().divergences == 1 and one.status().is_ready)
        assert "ghost" not in ids_in(replica.view())
        assert "t3" in ids_in(replica.view())
        replica.verify()
    assert len(equal_states(store, info, replicas)) == 1


def test_a_shorter_log_that_was_written_on_is_noticed_by_its_chain(server, store, info, tmp_path):
    """The head is not behind what was applied: only the hashes can tell."""
    fill(store, info, 10)
    own = RedisGalleryStore(server.url)
    own.open()
    asleep = replace(QUICK, retry_s=1.0, wait_s=0.5, heartbeat_s=3600.0)
    with started(own, info, tmp_path / "one", "one", options=asleep) as replica:

        def work():
            write(store, info.gallery_id, upsert("ghost", 1))
            replica.wait_for(2, PATIENCE_S)

        shortened(server, work)
        for number in range(5):
            write(store, info.gallery_id, upsert(f"later{number}", number))
        until(lambda: replica.status().divergences == 1)
        until(lambda: replica.status().is_ready)
        assert "ghost" not in ids_in(replica.view())
        assert "later4" in ids_in(replica.catch_up(PATIENCE_S))
        assert replica.verify().agrees
    own.close()


def test_a_snapshot_of_writes_that_redis_lost_is_not_believed(server, store, info, tmp_path):
    fill(store, info, 10)

    def work():
        write(store, info.gallery_id, upsert("ghost", 1))
        with started(store, info, tmp_path / "one", "one"):
            pass

    shortened(server, work)
    write(store, info.gallery_id, upsert("other", 1))
    with started(store, info, tmp_path / "one", "one") as replica:
        assert replica.status().rebuilds == 1
        assert "ghost" not in ids_in(replica.view())
        assert "other" in ids_in(replica.view())


def test_after_a_flush_nothing_is_served_and_the_snapshots_stay(
    server, store, info, replicas, tmp_path
):
    fill(store, info, 10)
    equal_states(store, info, replicas)
    for replica in replicas:
        replica.snapshot()
    with server.client() as client:
        client.flushall()
    for replica in replicas:
        until(lambda one=replica: one.status().phase == "gone")
        with pytest.raises(NotReady, match="gone"):
            replica.view()
        replica.discard()
    for name in ("one", "two", "three"):
        assert list((tmp_path / name / info.gallery_id).glob("snapshot-*"))


def test_a_restart_of_redis_is_survived_without_a_rebuild(server, store, info, replicas):
    fill(store, info, 10)
    equal_states(store, info, replicas)
    server.kill()
    for replica in replicas:
        assert len(ids_in(replica.view())) == 10
    with pytest.raises(StoreUnavailable):
        replicas[0].catch_up(1)
    server.start()
    fill(store, info, 5, first=20)
    assert len(equal_states(store, info, replicas)) == 1
    assert [replica.status().rebuilds for replica in replicas] == [1, 1, 1]
    assert [replica.status().divergences for replica in replicas] == [0, 0, 0]


def test_heartbeats_come_by_the_clock(server, store, info, tmp_path):
    clock = SetClock()
    options = replace(QUICK, heartbeat_s=1.0, mark_every_s=10.0)
    with started(store, info, tmp_path / "one", "one", options=options, clock=clock) as replica:
        with server.client() as client:
            client.hset(f"reid:{{{info.gallery_id}}}:meta", "digest", "1" * 16)
        time.sleep(0.3)
        assert replica.status().divergences == 0
        clock.now_s += 1.0
        until(lambda: replica.status().divergences == 1)
        assert replica.status().phase in {"rebuilding", "drifted"}
