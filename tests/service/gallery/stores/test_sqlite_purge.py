import random
import sqlite3
from contextlib import closing

import pytest

from service.gallery.gallery_errors import StoreUnavailable
from service.gallery.stores import sqlite_schema
from service.gallery.stores.batch import Delete
from service.gallery.stores.sqlite_gallery_store import SqliteGalleryStore
from tests.gallery_stores import SPEC, bytes_below, held, unit, upsert, write


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data" / "gallery.sqlite3"


@pytest.fixture
def store(path):
    store = SqliteGalleryStore(path)
    store.open()
    yield store
    store.close()


@pytest.fixture
def gallery(store):
    return store.create_gallery("default", SPEC).gallery_id


def trace(seed):
    return unit(seed).astype("<f2").tobytes()


def test_rows_of_many_sizes_that_came_and_went_leave_nothing(path, store, gallery):
    """SQLite moves rows between pages as they come and go, and leaves copies behind."""
    chooser, living, gone = random.Random(1), {}, []
    for step in range(60):
        changes = {}
        for number in range(30):
            name = f"t{chooser.randrange(150)}"
            if name in living and name not in changes and chooser.random() < 0.5:
                changes[name] = Delete(name)
            elif name not in changes:
                seed = step * 100 + number
                note = "x" * chooser.randrange(900)
                changes[name] = upsert(name, seed, attributes={"note": note, "seed": seed})
        for name, change in changes.items():
            if name in living:
                gone.append(living.pop(name))
            if not isinstance(change, Delete):
                living[name] = change.metadata.attributes["seed"]
        write(store, gallery, *changes.values())
    store.purge()
    content = bytes_below(path.parent)
    assert [seed for seed in gone if trace(seed) in content] == []
    assert all(trace(seed) in content for seed in living.values())
    assert len(gone) > 500
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_it_rewrites_the_file_only_where_something_may_be_left(store, gallery):
    def rewritten():
        before = store.state(gallery)
        with store._connections.reading() as database:
            version = database.execute("PRAGMA schema_version").fetchone()
        store.purge()
        with store._connections.reading() as database:
            assert store.state(gallery) == before
            return database.execute("PRAGMA schema_version").fetchone() != version

    assert rewritten()
    assert not rewritten()
    write(store, gallery, upsert("a"), upsert("b"), Delete("zz"))
    assert not rewritten()
    write(store, gallery, upsert("a", 2))
    assert rewritten()
    write(store, gallery, Delete("a"))
    assert rewritten()
    assert not rewritten()
    other = store.create_gallery("other", SPEC).gallery_id
    store.drop_gallery(other)
    assert rewritten()


def test_a_restart_forgets_nothing_that_is_to_be_forgotten(path, store, gallery):
    write(store, gallery, upsert("a", 1))
    write(store, gallery, Delete("a"))
    store.close()
    again = SqliteGalleryStore(path)
    again.open()
    again.purge()
    assert trace(1) not in bytes_below(path.parent)
    again.close()


def test_while_another_program_reads_an_older_state_it_says_so(path, store, gallery, monkeypatch):
    write(store, gallery, upsert("a", 1))
    store.close()
    monkeypatch.setattr(sqlite_schema, "_BUSY_TIMEOUT_S", 0.1)
    store.open()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM packed_rows").fetchone()
        write(store, gallery, Delete("a"))
        with pytest.raises(StoreUnavailable) as caught:
            store.purge()
        assert caught.value.expected == "a database file that no other program reads"
        assert "another program" in caught.value.received
        assert caught.value.remedy == "end that program, for example a backup, and try again"
        other.execute("COMMIT")
        store.purge()
    assert trace(1) not in bytes_below(path.parent)
    assert held(store, gallery) == {}


def test_the_file_gives_back_what_the_deleted_rows_took(path, store, gallery):
    for number in range(8):
        write(store, gallery, *[upsert(f"{number}-{row}", row) for row in range(200)])
    store.purge()
    full = path.stat().st_size
    for number in range(8):
        write(store, gallery, *[Delete(f"{number}-{row}") for row in range(200)])
    store.purge()
    assert path.stat().st_size < full / 2
