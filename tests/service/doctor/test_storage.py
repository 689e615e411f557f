import shutil
from types import SimpleNamespace

import pytest

from service.doctor import storage
from service.doctor.storage import check_data_directory, check_disk, check_store
from service.gallery.directory_lock import DirectoryLock
from service.gallery.stores.sqlite_gallery_store import SqliteGalleryStore


def test_a_directory_that_is_not_there_yet_is_made_at_the_start_and_not_before(settings, tmp_path):
    finding = check_data_directory(settings(data_dir=tmp_path / "a" / "b"))
    assert finding.state == "ok"
    assert finding.found.endswith("a/b is made at the first start")
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_cannot_be_written_is_a_failure(settings, tmp_path, monkeypatch):
    monkeypatch.setattr(storage.os, "access", lambda path, mode: False)
    finding = check_data_directory(settings())
    assert (finding.state, finding.found) == ("fail", f"{tmp_path} cannot be written")
    assert "REID_DATA_DIR" in finding.remedy


@pytest.mark.parametrize(
    ("free", "state"), [(2**27, "fail"), (2**28, "warn"), (2**32, "warn"), (6 * 2**30, "ok")]
)
def test_room_is_judged_before_it_is_needed(settings, monkeypatch, free, state):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=free))
    finding = check_disk(settings())
    assert finding.state == state
    assert finding.found.startswith(f"{free / 2**30:.1f} GiB free at ")
    assert (finding.remedy is None) == (state == "ok")


def test_a_store_is_looked_at_and_not_opened(settings, tmp_path):
    assert check_store(settings()).found.endswith("is made at the first start")
    assert list(tmp_path.iterdir()) == []
    store = SqliteGalleryStore(tmp_path / "gallery.sqlite3")
    store.open()
    used = check_store(settings())
    store.close()
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    free = check_store(settings())
    assert (used.state, free.state) == ("ok", "ok")
    assert "a running service uses " in used.found
    assert "`reid gallery verify` reads it" in free.found
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before
    DirectoryLock(tmp_path).release()


def test_a_redis_that_answers_is_ok_and_one_that_does_not_is_a_failure(settings, server):
    url = server.url
    assert check_store(settings(store="redis", redis_url=url)).state == "ok"
    away = check_store(settings(store="redis", redis_url="redis://127.0.0.1:9/0"))
    assert away.state == "fail"
    assert away.remedy
