"""Replicas of the index beside a Redis that dies, loses its last writes, or is emptied."""

import random
import threading
from contextlib import ExitStack

import pytest

from service.errors import NotReady
from service.gallery.gallery_errors import StoreUnavailable
from service.gallery.stores.batch import Delete, IdempotencyKey
from tests.gallery_stores import SPEC, upsert, write
from tests.long_run import rounds
from tests.redis_galleries import opened_store
from tests.replicas import ids_in, started, until

KILLS = rounds(4, 60)


@pytest.fixture
def store(server):
    with opened_store(server) as store:
        yield store


@pytest.fixture
def info(store):
    return store.create_gallery("staff", SPEC)


@pytest.fixture
def snapshots(tmp_path):
    return tmp_path / "snapshots"


def test_after_flushall_nothing_is_served_and_no_start_hides_it(server, store, info, snapshots):
    write(store, info.gallery_id, upsert("a", 1))
    with started(store, info, snapshots) as replica:
        replica.catch_up(10)
        replica.snapshot()
        with server.client() as client:
            client.flushall()
        until(lambda: replica.status().phase == "gone")
        with pytest.raises(NotReady, match="'staff' to be served, received gone"):
            replica.view()
        assert not replica.status().is_ready
    with started(store, info, snapshots) as replica, pytest.raises(NotReady):
        replica.view()


def test_a_replica_drops_what_redis_lost_with_the_end_of_its_file(server, store, info, snapshots):
    write(store, info.gallery_id, upsert("kept", 1))
    with started(store, info, snapshots) as replica:
        replica.catch_up(10)
        (path,) = server.append_only_directory.glob("*.incr.aof")
        kept_bytes = path.stat().st_size
        write(store, info.gallery_id, upsert("ghost", 2))
        assert ids_in(replica.catch_up(10)) == ["ghost", "kept"]
        server.kill()
        path.write_bytes(path.read_bytes()[:kept_bytes])
        server.start()
        write(store, info.gallery_id, upsert("new", 3))
        until(lambda: replica.status().divergences == 1)
        until(lambda: replica.status().is_ready)
        assert ids_in(replica.catch_up(10)) == ["kept", "new"]
        assert replica.view().state == store.state(info.gallery_id)


def test_searches_go_on_while_redis_is_away_and_see_it_when_it_is_back(
    server, store, info, snapshots
):
    write(store, info.gallery_id, upsert("a", 1))
    with started(store, info, snapshots) as replica:
        replica.catch_up(10)
        server.kill()
        with pytest.raises(StoreUnavailable):
            write(store, info.gallery_id, upsert("b", 2))
        assert ids_in(replica.view()) == ["a"]
        server.start()
        written = write(store, info.gallery_id, upsert("b", 2))
        replica.wait_for(written.seq, 10)
        assert ids_in(replica.view()) == ["a", "b"]
        assert replica.status().divergences == 0


def test_a_replica_that_slept_through_a_trim_reads_the_rows_again(server, store, info, snapshots):
    write(store, info.gallery_id, upsert("a", 1))
    with started(store, info, snapshots):
        pass
    for seed in range(5):
        write(store, info.gallery_id, upsert("b", seed), Delete("a"))
    store.trim_log(info.gallery_id, upto=4)
    with started(store, info, snapshots) as replica:
        assert ids_in(replica.catch_up(10)) == ["b"]
        assert replica.status().rebuilds == 1


def test_two_replicas_and_redis_agree_after_kills_under_writers(server, store, info, tmp_path):
    with ExitStack() as stack:
        others = [stack.enter_context(opened_store(server)) for _ in range(2)]
        replicas = [
            stack.enter_context(started(other, info, tmp_path / f"snapshots-{name}", name))
            for name, other in zip("ab", others, strict=True)
        ]
        stopping = threading.Event()
        writers = [
            threading.Thread(target=_write, args=(other, info.gallery_id, number, stopping))
            for number, other in enumerate(others)
        ]
        for writer in writers:
            writer.start()
        chosen = random.Random(7)
        for _ in range(KILLS):
            stopping.wait(chosen.uniform(0.05, 0.3))
            server.restart()
        stopping.set()
        for writer in writers:
            writer.join(30)
            assert not writer.is_alive()
        for replica in replicas:
            until(lambda replica=replica: replica.status().is_ready)
            assert replica.catch_up(10).state == store.state(info.gallery_id)
            assert replica.status().divergences == 0
            report = replica.verify()
            assert report.agrees, report


def _write(store, gallery, number, stopping):
    chosen, turn = random.Random(number), 0
    while not stopping.is_set():
        turn += 1
        names = [f"{number}-{name}" for name in chosen.sample(range(20), 5)]
        changes = [Delete(names[0]), *(upsert(name, turn, enrolled_s=1.0) for name in names[1:])]
        key = IdempotencyKey(f"{number}-{turn}", "r")
        while True:
            try:
                write(store, gallery, *changes, key=key)
            except StoreUnavailable:
                stopping.wait(0.02)
                continue
            break
