import contextlib
import os
import resource
import sqlite3
import threading
from contextlib import contextmanager

import numpy as np
import pytest

from service.errors import StoreUnavailable
from service.gallery.filters import EVERYTHING
from service.gallery.records import TrackletMetadata, check_embedding
from service.gallery.sqlite_store import SqliteStore
from service.gallery.store import GalleryModel
from tests.gallery_rows import STORE_FILE

WIDE = GalleryModel("f" * 64, 512)


def wide(seed):
    return check_embedding(np.random.default_rng(seed).normal(size=512), 512)


@pytest.fixture
def path(tmp_path):
    return tmp_path / STORE_FILE


@pytest.fixture
def store(path):
    store = SqliteStore(path, clock=lambda: 1234.5)
    store.open()
    store.create_gallery("default", WIDE)
    yield store
    store.close()


def put(store, name, seed, **metadata):
    known = TrackletMetadata(**metadata)
    return store.put("default", name, embedding=wide(seed), metadata=known)


@contextmanager
def files_limited_to(size):
    """No file of this process grows beyond `size` bytes, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def bytes_on_disk(path):
    return b"".join(file.read_bytes() for file in sorted(path.parent.iterdir()))


def test_the_clock_says_when_a_tracklet_was_enrolled(store):
    assert put(store, "a", 1).record.enrolled_s == 1234.5
    assert store.get("default", "a").enrolled_s == 1234.5


def test_a_second_store_on_the_same_directory_is_refused_and_takes_nothing_from_the_first(
    store, path
):
    second = SqliteStore(path)
    with pytest.raises(StoreUnavailable, match="another process has locked"):
        second.open()
    second.close()
    put(store, "a", 1)
    third = SqliteStore(path.with_name("other.sqlite3"))
    with pytest.raises(StoreUnavailable, match="another process has locked"):
        third.open()


def test_a_store_that_fails_to_open_leaves_the_lock(path):
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(StoreUnavailable) as caught:
        SqliteStore(path).open()
    assert caught.value.expected == "a database that can be read and written"
    assert caught.value.received == "DatabaseError: file is not a database"
    path.unlink()
    again = SqliteStore(path)
    again.open()
    again.close()


@pytest.mark.parametrize("forget", ["delete", "delete_identity"])
def test_nothing_of_a_deleted_tracklet_is_left_in_any_file(store, path, forget):
    person = "somebody-nobody-else-is-called"
    put(store, "kept", 1)
    put(store, "gone-and-forgotten", 2, identity=person, attributes={"coat": "ultramarine"})
    traces = [b"gone-and-forgotten", person.encode(), b"ultramarine"]
    traces += [wide(2).tobytes()[start : start + 64] for start in range(0, 2048, 64)]
    assert all(trace in bytes_on_disk(path) for trace in traces)
    store.delete("default", "gone-and-forgotten") if forget == "delete" else (
        store.delete_identity("default", person)
    )
    held = bytes_on_disk(path)
    assert not any(trace in held for trace in traces)
    assert wide(1).tobytes()[:64] in held


def test_deleting_among_many_leaves_no_trace_either(store, path):
    for number in range(60):
        put(store, f"tracklet-number-{number:03}", number, identity=f"person-number-{number:03}")
    for number in range(0, 60, 2):
        store.delete("default", f"tracklet-number-{number:03}")
    held = bytes_on_disk(path)
    for number in range(60):
        traces = [f"{kind}-number-{number:03}".encode() for kind in ("tracklet", "person")]
        traces += [wide(number).tobytes()[start : start + 64] for start in (0, 960, 1984)]
        assert {trace in held for trace in traces} == {bool(number % 2)}, number


def test_a_replaced_embedding_is_gone_with_the_next_delete(store, path):
    put(store, "a", 1)
    put(store, "b", 2)
    put(store, "a", 3)
    store.delete("default", "b")
    held = bytes_on_disk(path)
    assert wide(1).tobytes()[:64] not in held
    assert wide(3).tobytes()[:64] in held


def test_a_flipped_bit_in_the_file_is_found_by_every_reader(store, path):
    put(store, "a", 1)
    put(store, "b", 2)
    store.close()
    content = bytearray(path.read_bytes())
    content[content.index(wide(2).tobytes()[64:128])] ^= 4
    path.write_bytes(content)
    store.open()
    assert store.get("default", "a").seq == 1
    for read in (
        lambda: store.get("default", "b"),
        lambda: store.page("default", EVERYTHING, after=None, limit=9),
        lambda: list(store.records("default")),
    ):
        with pytest.raises(StoreUnavailable) as caught:
            read()
        assert caught.value.expected == "the row of write 2 as it was written"


def test_when_the_disk_is_full_nothing_is_half_written_and_it_goes_on_with_space(store, path):
    put(store, "a", 1)
    before = store.state("default")
    size = path.with_name(path.name + "-wal").stat().st_size
    with files_limited_to(size + 1000):
        for write in (lambda: put(store, "b", 2), lambda: put(store, "a", 3)):
            with pytest.raises(StoreUnavailable) as caught:
                write()
            assert caught.value.expected == "a database that can be read and written"
            assert caught.value.received.startswith("OperationalError: ")
            assert "space" in caught.value.remedy
            assert caught.value.retry_after_s == 5
            assert store.state("default") == before
            assert np.array_equal(store.get("default", "a").embedding, wide(1))
    assert put(store, "b", 2).record.seq == before.seq + 1


def test_a_database_locked_by_another_program_is_unavailable_and_recovers(store, path):
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="database is locked"):
            put(store, "a", 1)
    assert put(store, "a", 1).record.seq == 1


def test_a_failure_inside_a_write_takes_all_of_it_back(store, monkeypatch):
    put(store, "a", 1)
    before = store.state("default")

    def fail(*_, **__):
        raise MemoryError

    monkeypatch.setattr(store, "_advance", fail)
    for write in (lambda: put(store, "b", 2), lambda: store.delete("default", "a")):
        with pytest.raises(MemoryError):
            write()
        assert store.state("default") == before
        assert [record.tracklet_id for record in store.records("default")] == ["a"]


def test_it_belongs_to_the_thread_that_opened_it(store):
    caught = []

    def use():
        try:
            store.state("default")
        except StoreUnavailable as error:
            caught.append(error.received)

    thread = threading.Thread(target=use)
    thread.start()
    thread.join(10)
    assert caught[0].startswith("ProgrammingError: SQLite objects created in a thread")


def test_a_directory_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable) as caught:
        SqliteStore(tmp_path / "file" / STORE_FILE).open()
    assert caught.value.received in {os.strerror(17), os.strerror(20)}
