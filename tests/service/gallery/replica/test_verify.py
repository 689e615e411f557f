"""Whatever drifts apart is found: rows, count, digest, log, index and snapshots."""

import json
import sqlite3
from contextlib import closing
from dataclasses import asdict

import numpy as np
import pytest

from service.gallery.stores.batch import Delete
from tests.gallery_stores import upsert, write
from tests.replicas import CutStore, Writers, fill, started

CHECKS = ["rows", "count", "digest", "log", "index rows", "index digest", "snapshots"]


@pytest.fixture
def replica(store, info, directory):
    fill(store, info, 40)
    write(store, info.gallery_id, Delete("t1"), upsert("t2", 9, attributes={"a": 1}))
    with started(store, info, directory) as replica:
        yield replica


def change(database, command, *values):
    with closing(sqlite3.connect(database)) as raw, raw:
        raw.execute(command, values)


def failing(report):
    assert [check.name for check in report.checks] == CHECKS
    assert report.agrees == all(check.agrees for check in report.checks)
    return [check.name for check in report.checks if not check.agrees]


def test_what_was_left_alone_agrees(replica):
    replica.snapshot()
    report = replica.verify()
    assert failing(report) == []
    assert (report.gallery, report.seq, report.tracklets, report.damaged) == ("staff", 2, 39, ())
    details = {check.name: check.detail for check in report.checks}
    assert details["rows"] == "39 intact, 0 damaged"
    assert details["count"] == "39 rows, and the store counts 39"
    assert details["log"] == "entries 1 to 2, and the last write is 2"
    assert details["index rows"] == "39 rows compared, 0 differ"
    assert details["index digest"] == "equal to the store after write 2"
    assert details["snapshots"] == "1 whole, 0 damaged"


def test_an_empty_gallery_agrees(store, info, directory):
    with started(store, info, directory) as replica:
        report = replica.verify()
        assert failing(report) == []
        assert report.checks[3].detail == "no entry is kept"


def test_it_agrees_with_a_trimmed_log(store, info, replica):
    for number in range(10):
        write(store, info.gallery_id, upsert("a", number))
    store.trim_log(info.gallery_id, upto=5)
    report = replica.verify()
    assert failing(report) == []
    assert report.checks[3].detail == "entries 6 to 12, and the last write is 12"
    store.trim_log(info.gallery_id, upto=12)
    assert failing(replica.verify()) == []


def test_a_damaged_row_is_found_and_named(replica, database):
    change(database, "UPDATE packed_rows SET packed = x'00' WHERE tracklet_id = 't3'")
    report = replica.verify()
    assert failing(report) == ["rows", "digest"]
    assert report.damaged == ("t3",)


def test_a_row_that_is_gone_is_found(replica, database):
    change(database, "DELETE FROM packed_rows WHERE tracklet_id = 't3'")
    assert failing(replica.verify()) == ["count", "digest"]


def test_rows_that_were_exchanged_are_found(replica, database):
    change(
        database,
        "UPDATE packed_rows SET packed = (SELECT packed FROM packed_rows WHERE tracklet_id = 't4')"
        " WHERE tracklet_id = 't3'",
    )
    assert failing(replica.verify()) == ["rows", "digest"]


@pytest.mark.parametrize(
    "command",
    [
        "UPDATE log SET keys = '[]' WHERE seq = 1",
        "UPDATE log SET hash = previous WHERE seq = 2",
        "UPDATE log SET previous = 'x' WHERE seq = 1",
        "DELETE FROM log WHERE seq = 2",
    ],
)
def test_a_log_that_is_not_as_it_was_written_is_found(replica, database, command):
    change(database, command)
    assert "log" in failing(replica.verify())


def test_a_row_of_the_index_that_differs_is_found(replica):
    view = replica.view()
    place = view.row_of("t5")
    for part, first in zip(view.parts, view.offsets, strict=True):
        if first <= place < first + part.length:
            part.segment.vectors[place - first] = np.roll(part.segment.vectors[place - first], 1)
    assert failing(replica.verify()) == ["index rows"]


def test_a_digest_of_the_index_that_is_not_of_its_rows_is_found(replica):
    view = replica.view()
    view.parts[0].segment.columns.digest[3] ^= np.uint64(1)
    assert failing(replica.verify()) == ["index digest"]


def test_a_damaged_snapshot_is_found(replica, directory):
    replica.snapshot()
    (path,) = directory.glob("*/snapshot-*/embeddings.raw")
    path.write_bytes(path.read_bytes()[:-1])
    report = replica.verify()
    assert failing(report) == ["snapshots"]
    assert report.checks[-1].detail.startswith("0 whole, 1 damaged; expected")


def test_what_cannot_be_proved_in_time_does_not_agree(store, info, directory):
    cut = CutStore(store)
    fill(store, info, 3)
    with started(cut, info, directory) as replica:
        state = store.state(info.gallery_id)
        later = {"asked": 0}

        def pretend(real, gallery_id):
            later["asked"] += 1
            return state

        cut.answers["state"] = pretend
        write(store, info.gallery_id, upsert("new"))
        report = replica.verify(timeout_s=0.3)
        assert later["asked"]
        assert set(failing(report)) <= {"count", "digest", "index digest"}
        assert failing(report)


def test_it_agrees_while_others_write(store, info, replica):
    with Writers(store, info, 2):
        for _ in range(5):
            report = replica.verify()
            assert failing(report) == [], report


def test_a_report_can_be_sent_as_json(replica):
    assert json.loads(json.dumps(asdict(replica.verify())))["gallery"] == "staff"
