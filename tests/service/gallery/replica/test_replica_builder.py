"""While an index is built the log is kept, progress is told, a stop is heard; then it is proved."""

import threading

import pytest

from service.gallery.gallery_errors import LogTrimmed
from service.gallery.replica import replica_builder
from service.gallery.replica.replica import GalleryReplica
from tests.gallery_stores import upsert, write
from tests.replicas import QUICK, CutStore, SetClock, fill, started, until


@pytest.fixture
def cut(store):
    return CutStore(store)


def test_the_log_after_the_first_row_read_is_kept_and_progress_is_told(
    store, cut, info, directory, caplog
):
    fill(store, info, 150)
    seen, clock = [], SetClock()
    replica = GalleryReplica(
        cut, info, snapshot_dir=directory, name="one", options=QUICK, clock=clock
    )

    def scan(real, gallery_id):
        for piece in real(gallery_id):
            seen.append(store.replicas(info.gallery_id))
            clock.now_s += 6
            yield piece
            seen.append(replica.status().reason)

    cut.answers["scan"] = scan
    caplog.set_level("INFO")
    replica.start()
    replica.stop()
    ((mark,), reason) = seen[:2]
    assert (mark.replica, mark.snapshot_seq) == ("one", 2)
    assert reason == "starting: 150 of 150 rows read"
    assert "replica_building" in caplog.messages


def test_rows_written_while_others_are_read_are_not_missed(store, cut, info, directory):
    fill(store, info, 30)

    def scan(real, gallery_id):
        write(store, gallery_id, upsert("early", 1))
        yield from real(gallery_id)
        write(store, gallery_id, upsert("late", 1), upsert("t3", 99))

    cut.answers["scan"] = scan
    with started(cut, info, directory) as replica:
        assert replica.view().state == store.state(info.gallery_id)
        assert replica.status().rebuilds == 1


def test_a_log_that_is_trimmed_while_rows_are_read_begins_anew(store, cut, info, directory):
    fill(store, info, 30)
    turns = []

    def scan(real, gallery_id):
        turns.append(1)
        yield from real(gallery_id)
        if len(turns) == 1:
            write(store, gallery_id, upsert("a", 1))
            write(store, gallery_id, upsert("b", 1))
            store.trim_log(gallery_id, upto=2)

    cut.answers["scan"] = scan
    with started(cut, info, directory) as replica:
        assert replica.view().state == store.state(info.gallery_id)
        assert replica.status().rebuilds == 2


def test_a_log_that_ends_before_the_last_write_is_not_served(store, cut, info, directory):
    fill(store, info, 3)

    def scan(real, gallery_id):
        yield from real(gallery_id)
        write(store, gallery_id, upsert("a", 1))

    cut.answers.update(scan=scan, log=lambda *_, **__: [])
    with started(cut, info, directory) as replica:
        assert replica.status().phase == "drifted"
        assert "received a log that ends before it" in replica.status().reason


def test_a_stop_is_heard_while_rows_are_read(store, cut, info, directory):
    fill(store, info, 3)
    reading = threading.Event()

    def scan(real, gallery_id):
        while True:
            reading.set()
            yield from real(gallery_id)

    cut.answers["scan"] = scan
    replica = GalleryReplica(cut, info, snapshot_dir=directory, name="one", options=QUICK)
    starting = threading.Thread(target=replica.start)
    starting.start()
    assert reading.wait(20)
    replica.stop()
    starting.join(20)
    assert not starting.is_alive()
    assert replica.status().phase == "stopped"


def test_an_index_whose_rows_do_not_find_themselves_is_not_served(
    store, info, directory, monkeypatch, caplog
):
    fill(store, info, 3)
    with monkeypatch.context() as patch:
        patch.setattr(replica_builder, "fault_in", lambda view, random: "it is mad")
        with started(store, info, directory) as replica:
            assert replica.status().phase == "drifted"
            assert "an index whose rows find themselves, received it is mad" in str(
                replica.status().reason
            )
            patch.undo()
            until(lambda: replica.status().is_ready)
            assert caplog.messages.count("replica_withdrawn") == 1


def test_snapshots_that_will_not_do_are_passed_over_in_words(store, cut, info, directory, caplog):
    fill(store, info, 3)
    with started(store, info, directory):
        pass

    def trimmed(*_, **__):
        cut.answers.clear()
        raise LogTrimmed(expected="the log", received="less", remedy="read the rows")

    write(store, info.gallery_id, upsert("a", 1))
    cut.answers["log"] = trimmed
    with started(cut, info, directory) as replica:
        assert replica.status().rebuilds == 1
        assert "snapshot_ignored" in caplog.messages
        assert replica.view().state == store.state(info.gallery_id)
