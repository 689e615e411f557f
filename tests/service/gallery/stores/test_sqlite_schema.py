import os
import sqlite3
import stat
from contextlib import closing

import pytest

from service.gallery.gallery_errors import StoreUnavailable
from service.gallery.stores.sqlite_schema import SCHEMA_VERSION, connect, number, open_database


@pytest.fixture
def path(tmp_path):
    return tmp_path / "gallery.sqlite3"


def refusal(path):
    with pytest.raises(StoreUnavailable) as caught:
        open_database(path)
    assert caught.value.expected == f"a gallery database of schema {SCHEMA_VERSION} at {path}"
    return caught.value.received, caught.value.remedy


def test_a_new_file_is_for_its_owner_alone_and_so_are_its_side_files(path):
    previous = os.umask(0)
    try:
        with closing(open_database(path)):
            modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    finally:
        os.umask(previous)
    assert modes == {
        "gallery.sqlite3": 0o600,
        "gallery.sqlite3-wal": 0o600,
        "gallery.sqlite3-shm": 0o600,
    }


def test_every_connection_waits_for_the_disk_and_erases_what_it_deletes(path):
    with closing(open_database(path)) as first, closing(connect(path)) as second:
        for connection in (first, second):
            assert number(connection, "synchronous") == 2
            assert number(connection, "secure_delete") == 1
            assert number(connection, "foreign_keys") == 1
            assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
            assert number(connection, "user_version") == SCHEMA_VERSION


def test_tables_refuse_values_of_another_type(path):
    with closing(open_database(path)) as database:
        tables = database.execute(
            "SELECT name, strict FROM pragma_table_list WHERE schema = 'main' "
            "AND type = 'table' AND name NOT LIKE 'sqlite%'"
        ).fetchall()
    assert {"packed_rows", "log", "galleries"} <= {name for name, _ in tables}
    assert all(strict for _, strict in tables)


def test_opening_again_keeps_what_is_there(path):
    with closing(open_database(path)) as database:
        database.execute("INSERT INTO audit (at_s, entry) VALUES (1.0, 'kept')")
    with closing(open_database(path)) as database:
        assert database.execute("SELECT entry FROM audit").fetchall() == [("kept",)]


def test_a_database_of_a_newer_release_is_refused_and_not_touched(path):
    with closing(open_database(path)) as database:
        database.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    before = path.read_bytes()
    received, remedy = refusal(path)
    assert received == f"schema {SCHEMA_VERSION + 1}"
    assert remedy == "start the release that wrote it, or a newer one"
    assert path.read_bytes() == before


@pytest.mark.parametrize("version", [0, 1, 2, 99])
def test_a_database_of_something_else_is_refused_and_not_touched(path, version):
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE galleries (name TEXT)")
        database.execute(f"PRAGMA user_version = {version}")
    before = path.read_bytes()
    received, remedy = refusal(path)
    assert received == "a database of something else"
    assert remedy == "set REID_DATA_DIR to another directory"
    assert path.read_bytes() == before


def test_an_empty_file_becomes_a_database(path):
    path.touch()
    with closing(open_database(path)) as database:
        assert number(database, "user_version") == SCHEMA_VERSION


def test_a_name_that_is_no_utf8_spoils_itself_only(path):
    with closing(open_database(path)) as database:
        database.execute("CREATE TABLE t (name TEXT)")
        database.execute("INSERT INTO t VALUES ('whole'), (CAST(x'61ff62' AS TEXT))")
        assert database.execute("SELECT name FROM t").fetchall() == [("whole",), ("a\ufffdb",)]


def test_a_file_system_without_a_write_ahead_log_is_refused(monkeypatch):
    with pytest.raises(StoreUnavailable) as caught:
        open_database_in_memory(monkeypatch)
    assert caught.value.expected == ("a file system on which SQLite can keep a write-ahead log")
    assert caught.value.remedy == "set REID_DATA_DIR to a directory on a local disk"


def open_database_in_memory(monkeypatch):
    """A database in memory keeps no write-ahead log, as one on some network disks."""
    monkeypatch.setattr(os, "open", lambda *_: os.dup(0))
    return open_database(":memory:")
