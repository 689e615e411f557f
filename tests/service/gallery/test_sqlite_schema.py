import contextlib
import os
import sqlite3
import stat

import pytest

from service.errors import StoreUnavailable
from service.gallery.sqlite_schema import SCHEMA_VERSION, erase_deleted, open_database
from tests.gallery_rows import STORE_FILE


@pytest.fixture
def path(tmp_path):
    return tmp_path / STORE_FILE


def alter(path, *statements):
    with contextlib.closing(sqlite3.connect(path)) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()


def pragma(database, name):
    return database.execute(f"PRAGMA {name}").fetchone()[0]


def test_writes_are_synced_and_deletes_overwrite(path):
    with contextlib.closing(open_database(path)) as database:
        assert pragma(database, "journal_mode") == "wal"
        assert pragma(database, "synchronous") == 2
        assert pragma(database, "secure_delete") == 1
        assert pragma(database, "foreign_keys") == 1
        assert pragma(database, "user_version") == SCHEMA_VERSION


def test_the_files_are_for_their_owner_alone(path):
    mask = os.umask(0)
    try:
        with contextlib.closing(open_database(path)) as database:
            database.execute("INSERT INTO galleries VALUES (1, 'a', 'f', 4, 0, 0, 0)")
            files = sorted(path.parent.iterdir())
            assert len(files) == 3
            for file in files:
                assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name
    finally:
        os.umask(mask)


def test_a_newer_schema_is_refused_and_left_as_it_is(path):
    open_database(path).close()
    alter(path, f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    before = path.read_bytes()
    with pytest.raises(StoreUnavailable) as caught:
        open_database(path)
    assert caught.value.expected == f"a gallery database of schema {SCHEMA_VERSION} at {path}"
    assert caught.value.received == f"schema {SCHEMA_VERSION + 1}"
    assert caught.value.remedy == "start the release that wrote it, or a newer one"
    assert path.read_bytes() == before


@pytest.mark.parametrize("statement", ["CREATE TABLE other (x)", "PRAGMA user_version = 1"])
def test_a_database_of_something_else_is_refused(path, statement):
    alter(path, statement)
    with pytest.raises(StoreUnavailable) as caught:
        open_database(path)
    assert caught.value.received == "a database of something else"
    assert "REID_DATA_DIR" in caught.value.remedy


def test_a_file_that_is_no_database_is_refused_by_sqlite(path):
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(sqlite3.DatabaseError):
        open_database(path)


def test_opening_empties_the_log_of_a_process_that_was_killed(path):
    with contextlib.closing(open_database(path)) as killed:
        killed.execute("INSERT INTO galleries VALUES (1, 'a', 'f', 4, 0, 0, 0)")
        log = path.with_name(path.name + "-wal")
        assert log.stat().st_size > 0
        with contextlib.closing(open_database(path)) as database:
            assert log.stat().st_size == 0
            assert database.execute("SELECT count(*) FROM galleries").fetchone() == (1,)


def test_erasing_while_another_reads_waits_for_the_next_time(path):
    with contextlib.closing(open_database(path)) as database:
        log = path.with_name(path.name + "-wal")
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as backup:
            backup.execute("BEGIN")
            backup.execute("SELECT count(*) FROM galleries").fetchone()
            database.execute("INSERT INTO galleries VALUES (1, 'a', 'f', 4, 0, 0, 0)")
            erase_deleted(database)
            assert log.stat().st_size > 0
        erase_deleted(database)
        assert log.stat().st_size == 0
