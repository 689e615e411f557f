import sqlite3
import threading
from contextlib import ExitStack, suppress

import pytest

from service.gallery.gallery_errors import CapacityExceeded, OutcomeUnknown, StoreUnavailable
from service.gallery.stores import sqlite_connections
from service.gallery.stores.sqlite_connections import Connections, reporting

ADD = "INSERT INTO audit (at_s, entry) VALUES (1.0, ?)"


@pytest.fixture
def connections(tmp_path):
    connections = Connections(tmp_path / "gallery.sqlite3", now_s=5.0)
    yield connections
    connections.close()


def entries(connections):
    with connections.reading() as database:
        return [entry for (entry,) in database.execute("SELECT entry FROM audit")]


def sqlite_error(code, text="told by SQLite"):
    error = sqlite3.OperationalError(text)
    error.sqlite_errorcode = code
    return error


def test_a_body_is_written_at_its_end_and_not_at_all_when_it_raises(connections):
    with connections.writing() as database:
        database.execute(ADD, ("one",))
    with suppress(KeyError), connections.writing() as database:
        database.execute(ADD, ("two",))
        raise KeyError
    assert entries(connections) == ["one"]


def test_readers_do_not_wait_for_the_writer_and_see_what_was_committed(connections):
    with connections.writing() as database:
        database.execute(ADD, ("one",))
        assert entries(connections) == []
        with connections.reading() as one, connections.reading() as other:
            assert one is not other
            query = "SELECT count(*) FROM audit"
            assert one.execute(query).fetchone() == other.execute(query).fetchone() == (0,)
    assert entries(connections) == ["one"]


def test_a_reader_sees_one_state_to_its_end(connections):
    with connections.reading() as reader:
        assert reader.execute("SELECT count(*) FROM audit").fetchone() == (0,)
        with connections.writing() as database:
            database.execute(ADD, ("one",))
        assert reader.execute("SELECT count(*) FROM audit").fetchone() == (0,)
    assert entries(connections) == ["one"]


def test_a_reader_that_raised_is_as_good_as_new(connections):
    with suppress(KeyError), connections.reading() as reader:
        reader.execute("SELECT count(*) FROM audit").fetchone()
        raise KeyError
    with connections.writing() as database:
        database.execute(ADD, ("one",))
    assert entries(connections) == ["one"]


def test_one_body_at_a_time_is_written(connections):
    inside, most = [], []

    def write():
        for _ in range(20):
            with connections.writing() as database:
                inside.append(1)
                database.execute(ADD, ("x",))
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert set(most) == {1}
    assert len(entries(connections)) == 80


def test_after_closing_nothing_is_handed_out_and_what_is_in_use_may_end(connections):
    with connections.reading() as reader:
        connections.close()
        assert reader.execute("SELECT count(*) FROM audit").fetchone() == (0,)
    with pytest.raises(sqlite3.ProgrammingError):
        reader.execute("SELECT 1")
    for use in (connections.reading, connections.writing):
        with pytest.raises(StoreUnavailable) as caught, use():
            pass
        assert caught.value.expected == "an open store"
        assert caught.value.received == "one that is closed"
        assert caught.value.remedy == "start the service again"
    with pytest.raises(StoreUnavailable, match="one that is closed"):
        connections.purge()


def test_a_crowd_of_readers_leaves_few_connections_open(connections):
    with ExitStack() as crowd:
        readers = [crowd.enter_context(connections.reading()) for _ in range(40)]
    still_open = 0
    for reader in readers:
        try:
            reader.execute("SELECT 1")
            still_open += 1
        except sqlite3.ProgrammingError:
            pass
    assert still_open == 16


def test_a_full_disk_is_named_as_such():
    with pytest.raises(CapacityExceeded) as caught, reporting():
        raise sqlite_error(sqlite3.SQLITE_FULL)
    assert caught.value.expected == "space on the disk of the database"
    assert caught.value.received == "a full one; nothing was written"
    assert "free space on the disk, or delete tracklets" in caught.value.remedy


@pytest.mark.parametrize(
    "error",
    [
        sqlite_error(sqlite3.SQLITE_CORRUPT),
        sqlite_error(sqlite3.SQLITE_CORRUPT_INDEX),
        sqlite_error(sqlite3.SQLITE_NOTADB),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "as SQLite quotes it"),
    ],
)
def test_damage_is_named_as_such_and_does_not_go_away_by_itself(error):
    with pytest.raises(StoreUnavailable) as caught, reporting():
        raise error
    assert caught.value.expected == "the database as it was written"
    assert caught.value.received == f"{type(error).__name__}: {error}"
    assert caught.value.remedy == "restore the data directory from a backup, and check the disk"
    assert caught.value.retry_after_s is None


@pytest.mark.parametrize(
    "error", [sqlite_error(sqlite3.SQLITE_IOERR), sqlite_error(sqlite3.SQLITE_BUSY), OSError(5)]
)
def test_anything_else_makes_the_store_unavailable_for_a_while(error):
    with pytest.raises(StoreUnavailable) as caught, reporting():
        raise error
    assert caught.value.expected == "a database that can be read and written"
    assert caught.value.received == f"{type(error).__name__}: {error}"
    assert caught.value.remedy == (
        "free space on the disk, or check it, and send the request again"
    )
    assert caught.value.retry_after_s == 5


class _Failing:
    """A connection whose COMMIT fails; SQLite's own would need a disk that does."""

    def __init__(self, database, code):
        self._database, self._code = database, code

    def __getattr__(self, name):
        return getattr(self._database, name)

    def execute(self, statement, *values):
        if statement == "COMMIT":
            raise sqlite_error(self._code)
        return self._database.execute(statement, *values)


@pytest.mark.parametrize(
    ("code", "kind"),
    [(sqlite3.SQLITE_IOERR_FSYNC, OutcomeUnknown), (sqlite3.SQLITE_FULL, CapacityExceeded)],
)
def test_a_commit_that_fails_says_whether_the_write_may_be_there(connections, code, kind):
    connections._writer = _Failing(connections._writer, code)
    with pytest.raises(kind) as caught, connections.writing() as database:
        database.execute(ADD, ("one",))
    assert type(caught.value) is kind
    if kind is OutcomeUnknown:
        assert caught.value.expected == "a disk that says the write is safe"
        assert caught.value.received == "OperationalError: told by SQLite"
        assert "the same idempotency key" in caught.value.remedy
        assert caught.value.retry_after_s == 5
    connections._writer = connections._writer._database
    with connections.writing() as database:
        database.execute(ADD, ("two",))
    assert entries(connections) == ["two"]


def test_a_file_that_cannot_be_migrated_is_closed_again(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise sqlite3.OperationalError("no")

    monkeypatch.setattr(sqlite_connections, "migrate", fail)
    with pytest.raises(StoreUnavailable, match="OperationalError: no"):
        Connections(tmp_path / "gallery.sqlite3", now_s=5.0)
    monkeypatch.undo()
    Connections(tmp_path / "gallery.sqlite3", now_s=5.0).close()
