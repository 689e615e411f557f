import pytest

from service.gallery.gallery_errors import CapacityExceeded, SeqConflict, StoreUnavailable
from service.gallery.stores.sqlite_reserved_writes import RESERVE_FILE, ReservedWrites

ADD = "INSERT INTO audit (at_s, entry) VALUES (1.0, ?)"
LARGE = "x" * 40_000


@pytest.fixture
def writes(tmp_path):
    writes = ReservedWrites(tmp_path / "gallery.sqlite3", now_s=5.0)
    yield writes
    writes.connections.close()


@pytest.fixture
def connections(writes):
    return writes.connections


def adding(entry):
    return lambda database: database.execute(ADD, (entry,)).rowcount


def count(connections):
    with connections.reading() as database:
        return database.execute("SELECT count(*) FROM audit").fetchone()[0]


def allow_pages(connections, more):
    """Let the database grow by so many pages: SQLite then says what it says of a full disk."""
    with connections.writing() as database:
        pages = database.execute("PRAGMA page_count").fetchone()[0]
        database.execute(f"PRAGMA max_page_count = {pages + more}")


def test_with_space_both_kinds_of_writes_are_made(connections, writes, tmp_path):
    assert writes.run(adding("a")) == 1
    assert writes.enroll(adding("b"), changes=1) == 1
    assert count(connections) == 2
    assert (tmp_path / RESERVE_FILE).stat().st_size == 16 * 2**20


def test_an_enrolment_without_space_is_refused_and_keeps_the_reserve(connections, writes, tmp_path):
    allow_pages(connections, 2)
    with pytest.raises(CapacityExceeded):
        writes.enroll(adding(LARGE), changes=1)
    assert (tmp_path / RESERVE_FILE).exists()
    assert count(connections) == 0


def test_another_write_without_space_gives_up_the_reserve_and_is_tried_again(
    connections, writes, tmp_path
):
    allow_pages(connections, 2)
    tried = []

    def work(database):
        tried.append((tmp_path / RESERVE_FILE).exists())
        if not tried[-1]:
            database.execute("PRAGMA max_page_count = 1000000")
        return adding(LARGE)(database)

    assert writes.run(work) == 1
    assert tried == [True, False]
    assert count(connections) == 1


def test_without_the_reserve_nothing_is_enrolled_until_it_is_there_again(
    connections, writes, tmp_path, monkeypatch
):
    writes._reserve.give_up()
    monkeypatch.setattr(writes._reserve, "_allocate", lambda: False)
    with pytest.raises(CapacityExceeded) as caught:
        writes.enroll(adding("a"), changes=1)
    assert caught.value.received == "a full one; nothing was written"
    assert writes.run(adding("b")) == 1
    monkeypatch.undo()
    assert writes.enroll(adding("a"), changes=1) == 1
    assert (tmp_path / RESERVE_FILE).exists()
    assert count(connections) == 2


def test_what_is_refused_for_another_reason_is_not_tried_again(writes, tmp_path):
    tried = []

    def work(database):
        tried.append(database)
        raise SeqConflict({"a": 1})

    with pytest.raises(SeqConflict):
        writes.run(work)
    assert len(tried) == 1
    assert (tmp_path / RESERVE_FILE).exists()


def test_a_database_that_cannot_be_opened_is_not_tried_for_ever(tmp_path):
    path = tmp_path / "gallery.sqlite3"
    path.write_bytes(b"not a database at all" * 100)
    for left_over in (True, False):
        (tmp_path / RESERVE_FILE).write_bytes(b"") if left_over else None
        with pytest.raises(StoreUnavailable, match="file is not a database"):
            ReservedWrites(path, now_s=5.0)
        assert not (tmp_path / RESERVE_FILE).exists()
