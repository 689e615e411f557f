import sqlite3
from contextlib import closing

import numpy as np
import pytest

from service.gallery.gallery_errors import StoreUnavailable
from service.gallery.records import TrackletMetadata, TrackletRecord
from service.gallery.stores.log_chain import first_hash
from service.gallery.stores.protocol import GalleryModel, GallerySpec
from service.gallery.stores.sqlite_gallery_store import SqliteGalleryStore
from tests.first_release_store import write_first_release
from tests.gallery_stores import MODEL, SPEC, bytes_below, digest_by_hand, held, unit, upsert, write

OTHER = GalleryModel("e" * 64, 3)


def record(name, seed, seq, **known):
    return TrackletRecord(name, TrackletMetadata(**known), unit(seed), seq, 100.5 + seq)


RECORDS = [
    record("plain", 1, 1),
    record("full", 2, 7, identity="p", camera="c", start_s=1.0, end_s=2.5, attributes={"n": 1}),
    record("{é}:", 3, 9, identity="שלום", attributes={"coat": "red", "tall": True, "x": 0.25}),
    *[record(f"t{number}", number, 10 + number, identity=f"p{number}") for number in range(50)],
]


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "data" / "gallery.sqlite3"
    other = TrackletRecord("o", TrackletMetadata(), unit(5, 3), 2, 5.0)
    galleries = {"default": (MODEL, 70, RECORDS), "other": (OTHER, 2, [other])}
    write_first_release(path, galleries | {"empty": (MODEL, 0, [])})
    return path


@pytest.fixture
def store(path):
    store = SqliteGalleryStore(path, clock=lambda: 1234.5)
    store.open()
    yield store
    store.close()


def test_every_row_is_there_with_its_seq_and_its_moment(store):
    infos = {info.name: info for info in store.galleries()}
    assert {name: info.spec for name, info in infos.items()} == {
        "default": SPEC,
        "other": GallerySpec(OTHER),
        "empty": SPEC,
    }
    assert {info.created_s for info in infos.values()} == {1234.5}
    rows = held(store, infos["default"].gallery_id)
    assert set(rows) == {old.tracklet_id for old in RECORDS}
    for old in RECORDS:
        new = rows[old.tracklet_id]
        assert (new.metadata, new.seq, new.enrolled_s) == (old.metadata, old.seq, old.enrolled_s)
        rounded = old.embedding.astype(np.float16).astype(np.float32)
        assert np.array_equal(new.embedding, rounded)
    assert set(held(store, infos["other"].gallery_id)) == {"o"}
    assert held(store, infos["empty"].gallery_id) == {}


def test_the_gallery_goes_on_after_the_last_write_of_the_first_release(store):
    gallery = store.create_gallery("default", SPEC).gallery_id
    state = store.state(gallery)
    assert (state.seq, state.tracklets) == (70, len(RECORDS))
    assert state.digest == digest_by_hand(held(store, gallery))
    assert state.chain == first_hash(gallery)
    assert store.log(gallery, after=70, limit=9) == []
    with pytest.raises(StoreUnavailable, match="read the rows again"):
        store.log(gallery, after=0, limit=9)
    assert write(store, gallery, upsert("full", 9, if_seq=7)).seq == 71
    (entry,) = store.log(gallery, after=70, limit=9)
    assert entry.continues(70, state.chain)


def test_it_is_done_once(path, store):
    before = store.galleries(), store.state(store.galleries()[0].gallery_id)
    store.close()
    again = SqliteGalleryStore(path)
    again.open()
    assert (again.galleries(), again.state(again.galleries()[0].gallery_id)) == before
    again.close()


def test_no_byte_of_the_old_tables_is_left(path, store):
    content = bytes_below(path.parent)
    for old in RECORDS:
        assert old.embedding.tobytes()[:64] not in content
        assert old.embedding.astype("<f2").tobytes() in content
    with closing(sqlite3.connect(path)) as database:
        tables = {row[0] for row in database.execute("SELECT name FROM sqlite_schema")}
        assert not tables & {"tracklets", "old_galleries", "tracklets_of_identity"}
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        assert database.execute("PRAGMA freelist_count").fetchone() == (0,)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE tracklets SET embedding = zeroblob(128) WHERE seq = 9",
        "UPDATE tracklets SET embedding = zeroblob(8) WHERE seq = 9",
        "UPDATE tracklets SET identity = 'another' WHERE seq = 9",
        "UPDATE tracklets SET attributes = '[]' WHERE seq = 9",
        "UPDATE tracklets SET attributes = '{' WHERE seq = 9",
        "UPDATE tracklets SET identity = 'a/b' WHERE seq = 9",
    ],
)
def test_with_a_damaged_row_nothing_is_moved_and_the_file_stays_as_it_was(path, damage):
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute(damage)
        before = "\n".join(database.iterdump())
    for _ in range(2):
        store = SqliteGalleryStore(path)
        with pytest.raises(StoreUnavailable) as caught:
            store.open()
        assert caught.value.expected == "the first release's row of write 9 as it was written"
        assert "damaged" in caught.value.received
        assert caught.value.remedy == (
            "restore the data directory from a backup, and check the disk"
        )
    with closing(sqlite3.connect(path)) as database:
        assert "\n".join(database.iterdump()) == before
        assert database.execute("PRAGMA user_version").fetchone() == (1,)
