import contextlib
import sqlite3
import stat
import threading
import time

import pytest

from service.errors import InvalidQuery
from service.gallery.gallery_errors import StoreUnavailable
from service.gallery.stores.audit_entry import AuditEntry
from service.gallery.stores.batch import Delete, IdempotencyKey
from service.gallery.stores.row_codec import DamagedRow
from service.gallery.stores.sqlite_answers import KEPT_S
from service.gallery.stores.sqlite_gallery_store import SqliteGalleryStore
from tests.gallery_stores import SPEC, digest_by_hand, held, upsert, write


class Clock:
    now_s = 1000.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data" / "gallery.sqlite3"


@pytest.fixture
def store(path, clock):
    store = SqliteGalleryStore(path, clock=clock)
    store.open()
    yield store
    store.close()


@pytest.fixture
def gallery(store):
    return store.create_gallery("default", SPEC).gallery_id


def execute(store, statement, *values):
    with store._connections.writing() as database:
        return database.execute(statement, values).fetchall()


def test_its_clock_is_the_one_it_was_given(store, clock, gallery):
    assert store.now_s() == 1000.0
    clock.now_s = 1500.25
    assert store.now_s() == 1500.25
    write(store, gallery, upsert("a"))
    assert held(store, gallery)["a"].enrolled_s == 1500.25
    assert store.create_gallery("later", SPEC).created_s == 1500.25
    assert abs(SqliteGalleryStore(store._path).now_s() - time.time()) < 60


def test_an_answer_is_remembered_for_a_day_and_then_swept(store, clock, gallery):
    key, other = IdempotencyKey("k", "r"), IdempotencyKey("other", "r")
    write(store, gallery, upsert("a"), key=key)
    clock.now_s += KEPT_S - 1
    assert write(store, gallery, upsert("a"), key=key).repeated
    clock.now_s += 1
    assert not write(store, gallery, upsert("a"), key=key).repeated
    clock.now_s += KEPT_S
    write(store, gallery, upsert("b"), key=other)
    kept = execute(store, "SELECT idempotency_key FROM answers")
    assert kept == [("other",)]
    again = write(store, gallery, upsert("a"), key=IdempotencyKey("k", "another request"))
    assert (again.seq, again.repeated) == (4, False)
    assert KEPT_S == 24 * 3600


def test_all_its_files_are_for_their_owner_alone(store, path, gallery):
    write(store, gallery, upsert("a"))
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert set(modes.values()) == {0o600}
    assert {"gallery.sqlite3", "gallery.sqlite3-wal", "lock", "reserve"} <= set(modes)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_second_store_in_the_directory_is_refused_and_takes_nothing_from_the_first(
    store, path, gallery
):
    for other in (path, path.with_name("other.sqlite3")):
        second = SqliteGalleryStore(other)
        with pytest.raises(StoreUnavailable, match="another process has locked"):
            second.open()
        second.close()
    assert write(store, gallery, upsert("a")).seq == 1


def test_a_store_that_fails_to_open_leaves_the_lock(path):
    path.parent.mkdir()
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(StoreUnavailable) as caught:
        SqliteGalleryStore(path).open()
    assert caught.value.expected == "the database as it was written"
    assert caught.value.received == "DatabaseError: file is not a database"
    assert caught.value.remedy == "restore the data directory from a backup, and check the disk"
    path.unlink()
    again = SqliteGalleryStore(path)
    again.open()
    again.close()


def test_reads_do_not_wait_for_a_write(store, gallery):
    write(store, gallery, upsert("a"))
    with store._connections.writing() as database:
        database.execute("DELETE FROM packed_rows")
        reads = threading.Thread(target=lambda: held(store, gallery))
        reads.start()
        reads.join(10)
        assert not reads.is_alive()
        assert set(held(store, gallery)) == {"a"}
        assert store.state(gallery).seq == 1
        store.check()
        database.execute("ROLLBACK")
        database.execute("BEGIN")


def test_a_reader_that_waits_for_the_log_ends_with_the_store(store, gallery):
    ended = []

    def read():
        try:
            store.log(gallery, after=0, limit=1, wait_s=60.0)
        except StoreUnavailable as error:
            ended.append(error.received)

    reader = threading.Thread(target=read)
    reader.start()
    time.sleep(0.2)
    store.close()
    reader.join(10)
    assert ended == ["one that is closed"]


def test_a_file_that_was_taken_away_or_replaced_is_noticed(store, path, gallery):
    store.check()
    moved = path.rename(path.with_name("moved"))
    for put_back in (lambda: None, path.touch):
        put_back()
        with pytest.raises(StoreUnavailable) as caught:
            store.check()
        assert caught.value.expected == f"the database at {path} that was opened"
        assert caught.value.received == "none, or another file in its place"
        assert caught.value.remedy == "put the file back, and start the service again"
    path.unlink()
    moved.rename(path)
    store.check()


def test_a_database_locked_by_another_program_is_unavailable_and_recovers(
    store, path, gallery, monkeypatch
):
    store._connections._writer.execute("PRAGMA busy_timeout = 100")
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="database is locked"):
            write(store, gallery, upsert("a"))
        assert held(store, gallery) == {}
    assert write(store, gallery, upsert("a")).seq == 1


DAMAGES = {
    "packed = substr(packed, 1, length(packed) - 2)": "the checksum does not match",
    "packed = zeroblob(200)": "version 0, where 1 is known",
    "packed = x''": "error: not a row",
    "seq = seq + 1": "its seq or digest differs from the one kept beside it",
    "digest = digest + 1": "its seq or digest differs from the one kept beside it",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_one_damaged_row_is_reported_and_the_others_are_served(store, gallery, damage):
    write(store, gallery, upsert("a", 1), upsert("b", 2), upsert("c", 3))
    execute(store, f"UPDATE packed_rows SET {damage} WHERE tracklet_id = 'b'")
    bad = DamagedRow("b", DAMAGES[damage])
    scanned = [row for piece in store.scan(gallery) for row in piece]
    assert [row for row in scanned if isinstance(row, DamagedRow)] == [bad]
    assert len(scanned) == 3
    one, two, three = store.rows(gallery, ["a", "b", "c"])
    assert two == bad
    assert (one.record.tracklet_id, three.record.tracklet_id) == ("a", "c")


@pytest.mark.parametrize("change", [upsert("b", 2), Delete("b")])
@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_damaged_in_a_row_leaves_with_it(store, gallery, damage, change):
    write(store, gallery, upsert("a", 1), upsert("b", 1))
    execute(store, f"UPDATE packed_rows SET {damage} WHERE tracklet_id = 'b'")
    write(store, gallery, change)
    # Or no index of the gallery would ever be found equal to it again.
    assert store.state(gallery).digest == digest_by_hand(held(store, gallery))


def test_a_damaged_row_can_be_replaced_and_deleted(store, gallery):
    write(store, gallery, upsert("a", 1), upsert("b", 2), upsert("c", 3))
    execute(store, "UPDATE packed_rows SET packed = x'00' WHERE tracklet_id <> 'c'")
    write(store, gallery, upsert("a", 9), Delete("b"))
    assert set(held(store, gallery)) == {"a", "c"}
    write(store, gallery, Delete("a"), Delete("c"))
    assert store.state(gallery).digest == 0


def test_a_row_whose_name_is_no_longer_utf8_spoils_only_itself(store, gallery):
    write(store, gallery, upsert("a", 1), upsert("b", 2))
    execute(
        store, "UPDATE packed_rows SET tracklet_id = CAST(x'ff' AS TEXT) WHERE tracklet_id = 'a'"
    )
    scanned = [row for piece in store.scan(gallery) for row in piece]
    assert {row.tracklet_id for row in scanned if isinstance(row, DamagedRow)} == {"\ufffd"}
    assert store.rows(gallery, ["a"]) == [None]


@pytest.mark.parametrize("after", ["", "x", "-1", "1.5", "٣", "9" * 40])
def test_a_position_that_nobody_was_given_is_refused(store, after):
    store.audit([AuditEntry(1.0, "a", "search", "default", None, None, None)])
    with pytest.raises(InvalidQuery) as caught:
        store.audit_entries(after=after, limit=1)
    assert caught.value.expected == "a position in the audit log"
    assert caught.value.received == repr(after)
    assert "position of the last entry" in caught.value.remedy


def test_an_audit_position_is_never_given_twice(store):
    entry = AuditEntry(1.0, "a", "search", "default", None, None, None)
    store.audit([entry, entry])
    last = store.audit_entries(after=None, limit=9)[-1][0]
    store.trim_audit(before_s=2.0)
    store.audit([entry])
    ((position, _),) = store.audit_entries(after=last, limit=9)
    assert int(position) > int(last)


def test_an_audit_entry_of_the_very_moment_is_not_older_than_it(store):
    entry = AuditEntry(2.0, "a", "search", "default", None, None, None)
    store.audit([entry])
    store.trim_audit(before_s=2.0)
    assert [kept for _, kept in store.audit_entries(after=None, limit=9)] == [entry]
    store.trim_audit(before_s=2.5)
    assert store.audit_entries(after=None, limit=9) == []
