"""`reid gallery` on a store that nobody serves, and on a service that runs."""

import json
import sqlite3
from contextlib import closing

import pytest
from typer.testing import CliRunner

from service.__main__ import cli
from service.gallery.stores.sqlite_gallery_store import SqliteGalleryStore
from service.gallery_setup import SNAPSHOTS, STORE_FILE
from tests.gallery_stores import SPEC
from tests.replicas import fill, started


def reid(*arguments, data_dir=None):
    where = [] if data_dir is None else ["--data-dir", str(data_dir)]
    return CliRunner().invoke(cli, ["gallery", *arguments, *where], env={"COLUMNS": "160"})


@pytest.fixture
def data_dir(tmp_path):
    """A data directory with a gallery of twenty tracklets, its snapshot, and an empty gallery."""
    store = SqliteGalleryStore(tmp_path / STORE_FILE)
    store.open()
    info = store.create_gallery("staff [red]", SPEC)
    store.create_gallery("empty", SPEC)
    fill(store, info, 20)
    with started(store, info, tmp_path / SNAPSHOTS):
        pass
    store.close()
    return tmp_path


def lose_the_store(data_dir):
    for path in data_dir.glob(f"{STORE_FILE}*"):
        path.unlink()


def harm(data_dir, command):
    with closing(sqlite3.connect(data_dir / STORE_FILE)) as raw, raw:
        raw.execute(command)


def test_status_lists_what_the_store_and_the_snapshots_hold(data_dir):
    done = reid("status", data_dir=data_dir)
    assert done.exit_code == 0, done.output
    (line,) = [line for line in done.stdout.splitlines() if "staff [red]" in line]
    assert [cell.strip() for cell in line.split("│")][3:6] == ["20", "1", "1"]
    listed = json.loads(reid("status", "--json", data_dir=data_dir).stdout)["galleries"]
    assert [(one["gallery"], one["tracklets"], one["snapshot_seq"]) for one in listed] == [
        ("empty", 0, None),
        ("staff [red]", 20, 1),
    ]
    one = json.loads(reid("status", "--json", "--gallery", "empty", data_dir=data_dir).stdout)
    assert len(one["galleries"]) == 1


def test_status_shows_what_was_lost(data_dir):
    lose_the_store(data_dir)
    done = reid("status", data_dir=data_dir)
    assert "lost: see `reid gallery reseed`" in done.stdout
    (lost,) = json.loads(reid("status", "--json", data_dir=data_dir).stdout)["galleries"]
    assert (lost["tracklets"], lost["snapshot_tracklets"]) == (None, 20)


def test_verify_says_that_all_agrees(data_dir):
    done = reid("verify", data_dir=data_dir)
    assert done.exit_code == 0, done.output
    assert done.stdout.count("agrees") == 14
    assert "DIFFERS" not in done.stdout
    reports = json.loads(reid("verify", "--json", data_dir=data_dir).stdout)["galleries"]
    assert [report["agrees"] for report in reports] == [True, True]


def test_verify_ends_with_1_on_drift_and_names_it(data_dir):
    harm(data_dir, "UPDATE packed_rows SET packed = x'00' WHERE tracklet_id = 't3'")
    done = reid("verify", "--gallery", "staff [red]", data_dir=data_dir)
    assert done.exit_code == 1
    assert done.stdout.count("DIFFERS") == 2
    (damaged,) = [line for line in done.stdout.splitlines() if "DAMAGED" in line]
    assert "t3" in damaged


def test_verify_says_what_is_wrong_with_a_gallery_that_cannot_be_served(data_dir):
    harm(data_dir, "DELETE FROM packed_rows WHERE tracklet_id = 't3'")
    for snapshot in data_dir.glob("snapshots/*/snapshot-*/MANIFEST"):
        snapshot.unlink()
    done = reid("verify", "--gallery", "staff [red]", "--json", data_dir=data_dir)
    assert done.exit_code == 1
    (report,) = json.loads(done.stdout)["galleries"]
    found = {check["name"]: check for check in report["checks"] if not check["agrees"]}
    assert set(found) == {"count", "digest", "index rows", "index digest", "snapshots"}
    assert found["count"]["detail"] == "19 rows, and the store counts 20"
    assert "19 tracklets were read where the store counts 20" in found["index rows"]["detail"]


def test_verify_of_an_unknown_gallery_is_refused(data_dir):
    done = reid("verify", "--gallery", "nobody", data_dir=data_dir)
    assert done.exit_code == 1
    assert "received 'nobody'; `reid gallery status` lists them" in done.stderr


def test_a_store_in_use_is_left_alone(data_dir):
    store = SqliteGalleryStore(data_dir / STORE_FILE)
    store.open()
    for command in (["verify"], ["status"], ["reseed", "x"]):
        done = reid(*command, data_dir=data_dir)
        assert done.exit_code == 1
        assert "another process has locked" in done.stderr
    store.close()


def test_reseed_writes_a_lost_gallery_back(data_dir):
    lose_the_store(data_dir)
    done = reid("reseed", "staff [red]", data_dir=data_dir)
    assert done.exit_code == 0, done.output
    assert "gallery 'staff [red]' has 20 tracklets again, as of write 1" in done.stdout
    assert reid("verify", data_dir=data_dir).exit_code == 0
    again = reid("reseed", "staff [red]", data_dir=data_dir)
    assert again.exit_code == 1
    assert "of a gallery 'staff [red]' that the store has lost, received none" in again.stderr


def test_a_running_service_is_asked_by_its_address(running, client):
    done = reid("verify", "--url", running.url)
    assert done.exit_code == 0, done.output
    assert done.stdout.count("agrees") == 7
    done = reid("status", "--url", running.url)
    assert "serving" in done.stdout
    (one,) = json.loads(reid("status", "--json", "--url", running.url).stdout)["galleries"]
    assert one["phase"] == "serving"
    done = reid("status", "--json", "--url", running.url, "--gallery", "nobody")
    (one,) = json.loads(done.stdout)["galleries"]
    assert "received 'nobody'" in one["reason"]
    assert "received 'nobody'" in reid("verify", "--url", running.url, "--gallery", "nobody").stderr


def test_a_service_that_does_not_answer_is_named(data_dir):
    for command in ("status", "verify"):
        done = reid(command, "--url", "http://127.0.0.1:9")
        assert done.exit_code == 1
        assert "expected the service at http://127.0.0.1:9, received no answer" in done.stderr


def test_a_setting_that_cannot_be_used_is_named(data_dir, monkeypatch):
    monkeypatch.setenv("REID_STORE", "tape")
    done = reid("status", data_dir=data_dir)
    assert done.exit_code == 1
    assert "expected store to satisfy" in done.stderr
