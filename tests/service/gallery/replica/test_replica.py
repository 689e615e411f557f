"""What a replica promises to those who search: all of the store, nothing else, and no more."""

import sqlite3
import threading

import pytest

from service.errors import NotReady
from service.gallery.gallery_errors import ReplicaBehind, StoreUnavailable
from service.gallery.replica.replica import GalleryReplica
from service.gallery.replica.snapshot import SnapshotDirectory
from service.gallery.stores.batch import Delete
from tests.gallery_stores import upsert, write
from tests.replicas import (
    QUICK,
    CutStore,
    SetClock,
    Writers,
    fill,
    ids_in,
    started,
    until,
)


def test_it_starts_with_all_that_the_store_holds(store, info, directory):
    fill(store, info, 250)
    with started(store, info, directory) as replica:
        assert replica.view().state == store.state(info.gallery_id)
        assert len(ids_in(replica.view())) == 250
        status = replica.status()
        assert (status.phase, status.is_ready, status.reason) == ("serving", True, "")
        assert (status.rebuilds, status.divergences, status.lag) == (1, 0, 0)


def test_it_starts_on_an_empty_gallery(store, info, directory):
    with started(store, info, directory) as replica:
        assert replica.view().state == store.state(info.gallery_id)
        written = write(store, info.gallery_id, upsert("a"))
        replica.wait_for(written.seq, 5)
        assert ids_in(replica.view()) == ["a"]


def test_each_write_is_seen_once_it_was_waited_for(store, info, directory):
    with started(store, info, directory) as replica:
        for turn in range(20):
            replica.wait_for(write(store, info.gallery_id, upsert("a", turn)).seq, 5)
            assert replica.view().record_head("a").seq == 3 * turn + 1
            replica.wait_for(write(store, info.gallery_id, upsert("b"), Delete("a")).seq, 5)
            assert ids_in(replica.view()) == ["b"]
            write(store, info.gallery_id, Delete("b"))
            assert ids_in(replica.catch_up(5)) == []


def test_a_write_that_never_comes_is_not_waited_for_longer_than_asked(store, info, directory):
    fill(store, info, 3)
    with (
        started(store, info, directory) as replica,
        pytest.raises(
            ReplicaBehind,
            match="expected a replica that has seen write 9, received one that has "
            "seen write 1; send the request again",
        ),
    ):
        replica.wait_for(9, 0.01)


def test_before_and_after_nothing_is_served(store, info, directory):
    replica = GalleryReplica(store, info, snapshot_dir=directory, name="one", options=QUICK)
    with pytest.raises(NotReady, match="gallery 'staff' to be served, received starting: starting"):
        replica.view()
    replica.start()
    replica.view()
    replica.stop()
    replica.stop()
    with pytest.raises(NotReady, match="received stopped: the service stops"):
        replica.view()
    assert not replica.status().is_ready


def test_a_second_process_is_refused(store, info, directory):
    with (
        started(store, info, directory),
        pytest.raises(StoreUnavailable, match="another process has locked"),
        started(store, info, directory, "two"),
    ):
        pass


def test_a_stopped_replica_lets_another_in(store, info, directory):
    for _ in range(2):
        with started(store, info, directory) as replica:
            replica.view()


def test_a_restart_reads_the_last_snapshot_and_what_came_after(store, info, directory):
    fill(store, info, 30)
    with started(store, info, directory) as replica:
        until(lambda: replica.status().snapshots)
        replica.wait_for(write(store, info.gallery_id, upsert("t9", 77)).seq, 5)
    fill(store, info, 3, first=50)
    write(store, info.gallery_id, Delete("t1"), upsert("t2", 99))
    with started(store, info, directory) as replica:
        assert (replica.status().rebuilds, replica.status().snapshot_seq) == (0, 2)
        assert replica.view().state == store.state(info.gallery_id)
        assert len(ids_in(replica.view())) == 32
        assert replica.view().record_head("t2").seq == store.state(info.gallery_id).seq


def test_searches_go_on_without_the_store_and_are_said_to_be_stale(store, info, directory):
    fill(store, info, 5)
    cut, clock = CutStore(store), SetClock()
    with started(cut, info, directory, clock=clock) as replica:
        cut.is_cut = True
        clock.now_s += 29
        assert replica.status().stale_for_s == pytest.approx(29)
        assert replica.status().is_ready
        clock.now_s += 2
        status = replica.status()
        assert not status.is_ready
        assert status.reason == "the store has not been heard of for too long"
        assert len(ids_in(replica.view())) == 5
        with pytest.raises(StoreUnavailable):
            replica.catch_up(1)
        fill(store, info, 1, first=7)
        cut.is_cut = False
        until(lambda: replica.status().is_ready)
        replica.wait_for(2, 5)
        assert replica.status().divergences == 0
        assert replica.status().rebuilds == 1


def test_a_store_that_is_away_at_the_start_is_waited_for(store, info, directory):
    cut = CutStore(store)
    cut.is_cut = True
    with started(cut, info, directory) as replica:
        assert replica.status().phase == "unreachable"
        with pytest.raises(NotReady, match="a store that answers"):
            replica.view()
        cut.is_cut = False
        until(lambda: replica.status().is_ready)


def test_a_damaged_row_is_left_out_listed_and_served_once_it_is_whole(
    store, info, directory, database
):
    fill(store, info, 5)
    with started(store, info, directory) as replica:
        _flip_a_bit(database, "t3")
        write(store, info.gallery_id, upsert("t1", 7))
    with started(store, info, directory.parent / "elsewhere", "two") as replica:
        status = replica.status()
        assert status.is_ready
        assert [row.tracklet_id for row in status.damaged] == ["t3"]
        assert ids_in(replica.view()) == ["t0", "t1", "t2", "t4"]
        replica.snapshot()
    with started(store, info, directory.parent / "elsewhere", "two") as replica:
        assert replica.status().rebuilds == 0
        assert [row.tracklet_id for row in replica.status().damaged] == ["t3"]
        replica.wait_for(write(store, info.gallery_id, upsert("t3", 8)).seq, 5)
        assert replica.status().damaged == ()
        assert "t3" in ids_in(replica.view())
        replica.verify()


def _flip_a_bit(database, name):
    with sqlite3.connect(database) as raw:
        (packed,) = raw.execute(
            "SELECT packed FROM packed_rows WHERE tracklet_id = ?", (name,)
        ).fetchone()
        damaged = bytearray(packed)
        damaged[-1] ^= 1
        raw.execute(
            "UPDATE packed_rows SET packed = ? WHERE tracklet_id = ?", (bytes(damaged), name)
        )
    raw.close()


def test_it_says_in_the_store_how_far_it_has_come(store, info, directory):
    fill(store, info, 5)
    with started(store, info, directory, "one") as replica:
        replica.snapshot()
        until(lambda: store.replicas(info.gallery_id)[0].applied_seq == 1)
        (mark,) = store.replicas(info.gallery_id)
        assert (mark.replica, mark.snapshot_seq, mark.forgotten_seq) == ("one", 1, 0)
        assert replica.name == "one"


def test_forgetting_leaves_no_byte_and_says_up_to_where(store, info, directory):
    fill(store, info, 5)
    with started(store, info, directory) as replica:
        pattern = store.rows(info.gallery_id, ["t3"])[0].record.embedding.astype("<f2").tobytes()
        replica.snapshot()
        assert pattern in _bytes_below(directory)
        replica.wait_for(write(store, info.gallery_id, Delete("t3")).seq, 5)
        copies = []
        assert replica.forget_dead(in_copies=lambda view: copies.append(view.state.seq))
        assert copies == [2]
        assert replica.forgotten_seq == 2
        assert pattern not in _bytes_below(directory)
        assert store.replicas(info.gallery_id)[0].forgotten_seq == 2
    with started(store, info, directory) as replica:
        assert replica.forgotten_seq == 2


def _bytes_below(directory):
    return b"".join(path.read_bytes() for path in directory.rglob("*") if path.is_file())


def test_a_search_that_goes_on_keeps_from_forgetting(store, info, directory):
    fill(store, info, 5)
    with started(store, info, directory) as replica:
        held = replica.view()
        replica.wait_for(write(store, info.gallery_id, Delete("t3")).seq, 5)
        copies = []
        assert not replica.forget_dead(0.01, in_copies=copies.append)
        assert not copies
        assert replica.forgotten_seq == 0
        assert ids_in(held) == [f"t{number}" for number in range(5)]
        del held
        assert replica.forget_dead()


def test_under_writers_it_stays_equal_and_never_diverges(store, info, directory):
    with started(store, info, directory) as replica:
        with Writers(store, info, 3):
            event = threading.Event()
            event.wait(2)
        assert replica.catch_up(10).state == store.state(info.gallery_id)
        assert replica.verify().agrees
        status = replica.status()
        assert (status.divergences, status.rebuilds) == (0, 1)


def test_a_gallery_may_be_dropped_while_its_replica_is_only_about_to_start(
    store, info, directory, monkeypatch
):
    about_to_start, go_on = threading.Event(), threading.Event()

    def slow(_):
        about_to_start.set()
        go_on.wait(10)

    monkeypatch.setattr(SnapshotDirectory, "remove_garbage", slow)
    replica = GalleryReplica(store, info, snapshot_dir=directory, name="one", options=QUICK)
    starting = threading.Thread(target=replica.start)
    starting.start()
    about_to_start.wait(10)
    store.drop_gallery(info.gallery_id)
    threading.Timer(0.1, go_on.set).start()
    replica.discard()
    starting.join(20)
    assert not starting.is_alive()
    assert not (directory / info.gallery_id).exists()


def test_what_was_stopped_before_it_began_never_begins(store, info, directory):
    replica = GalleryReplica(store, info, snapshot_dir=directory, name="one", options=QUICK)
    replica.stop()
    replica.start()
    assert replica.status().phase == "stopped"
    with started(store, info, directory) as another:
        assert another.status().is_ready
