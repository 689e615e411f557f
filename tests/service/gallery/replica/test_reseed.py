"""A snapshot written back into a store gives every tracklet again, bit by bit, or says what not."""

import shutil

import pytest

from service.errors import NotFound
from service.gallery.gallery_errors import GalleryExists, SnapshotUnusable, StoreUnavailable
from service.gallery.replica.reseed import reseed
from service.gallery.replica.start_guard import require_no_lost_gallery
from service.gallery.stores.protocol import GallerySpec
from service.gallery.stores.sqlite_gallery_store import SqliteGalleryStore
from tests.gallery_stores import MODEL, held, upsert, write
from tests.replicas import CutStore, fill, started


@pytest.fixture
def lost(tmp_path, store, directory):
    """Rows of a gallery that has a snapshot; and an empty store instead of the one it was in."""
    info = store.create_gallery("staff", GallerySpec(MODEL, max_tracklets=900))
    fill(store, info, 600)
    write(
        store,
        info.gallery_id,
        upsert("known", 3, identity="p", start_s=1.0, end_s=2.5, attributes={"a": 1, "b": True}),
        upsert("expired", 4, expires_s=5.0, enrolled_s=1.5),
    )
    rows = held(store, info.gallery_id)
    with started(store, info, directory):
        pass
    return rows


@pytest.fixture
def other_store(tmp_path):
    store = SqliteGalleryStore(tmp_path / "other" / "gallery.sqlite3")
    store.open()
    yield store
    store.close()


def reseeded(store, directory, name="staff"):
    return reseed(store, directory, name, written=lambda done, of: None)


def test_every_tracklet_is_back_and_the_service_may_start(lost, other_store, directory):
    told = []
    result = reseed(other_store, directory, "staff", written=lambda *of: told.append(of))
    assert (result.tracklets, result.lost_after_seq, result.damaged) == (602, 7, 0)
    assert result.info.name == "staff"
    assert result.info.spec == GallerySpec(MODEL, max_tracklets=900)
    assert told == [(256, 602), (512, 602), (602, 602)]
    back = held(other_store, result.info.gallery_id)
    assert back.keys() == lost.keys()
    for name, record in lost.items():
        assert back[name].embedding.tobytes() == record.embedding.tobytes()
        assert (back[name].metadata, back[name].enrolled_s) == (
            record.metadata,
            record.enrolled_s,
        )
    require_no_lost_gallery(other_store, directory)
    assert not list(directory.glob("*/snapshot-*"))
    with started(other_store, result.info, directory) as replica:
        assert replica.verify().agrees


def test_other_replicas_with_snapshots_of_the_lost_gallery_may_start_too(
    lost, other_store, directory
):
    others = directory.with_name("of-another-replica")
    shutil.copytree(directory, others)
    reseeded(other_store, directory)
    require_no_lost_gallery(other_store, others)
    assert not list(others.glob("*/snapshot-*"))


def test_an_older_snapshot_is_taken_when_the_newest_is_damaged(lost, store, directory):
    (info,) = store.galleries()
    with started(store, info, directory) as replica:
        replica.snapshot()
    (newest, _) = sorted((directory / info.gallery_id).glob("snapshot-*"))
    with (newest / "embeddings.raw").open("r+b") as file:
        file.write(b"damaged")
    cut = CutStore(store)
    cut.answers["galleries"] = lambda real: ()
    store.drop_gallery(info.gallery_id)
    assert reseeded(cut, directory).tracklets == 602


def test_without_a_whole_snapshot_it_says_what_was_wrong(lost, other_store, directory):
    (path,) = directory.glob("*/snapshot-*")
    (path / "embeddings.raw").unlink()
    with pytest.raises(SnapshotUnusable, match=r"received none; of the newest: .*embeddings\.raw"):
        reseeded(other_store, directory)
    assert other_store.galleries() == ()


def test_a_gallery_that_is_not_lost_is_not_touched(lost, store, directory, other_store):
    with pytest.raises(NotFound, match="of a gallery 'staff' that the store has lost"):
        reseeded(store, directory)
    with pytest.raises(NotFound, match="of a gallery 'visitors' that the store has lost"):
        reseeded(other_store, directory, "visitors")


def test_a_gallery_that_already_has_tracklets_is_not_mixed_with_it(lost, other_store, directory):
    info = other_store.create_gallery("staff", GallerySpec(MODEL, max_tracklets=900))
    write(other_store, info.gallery_id, upsert("new"))
    with pytest.raises(GalleryExists, match="no gallery 'staff' in the store, or an empty one"):
        reseeded(other_store, directory)
    assert set(held(other_store, info.gallery_id)) == {"new"}
    write(other_store, info.gallery_id, upsert("new", 2))
    assert list(directory.glob("*/snapshot-*"))


def test_while_a_service_runs_on_the_snapshots_it_is_refused(lost, store, other_store, directory):
    (info,) = store.galleries()
    with (
        started(store, info, directory),
        pytest.raises(StoreUnavailable, match="another process has locked"),
    ):
        reseeded(other_store, directory)


def test_what_does_not_read_back_equal_keeps_the_snapshot(
    lost, other_store, directory, monkeypatch
):
    cut = CutStore(other_store)

    def lose_one(real, gallery_id):
        for piece in real(gallery_id):
            yield piece[1:]

    cut.answers["scan"] = lose_one
    with pytest.raises(SnapshotUnusable, match="602 tracklets of the snapshot in the store"):
        reseeded(cut, directory)
    assert list(directory.glob("*/snapshot-*"))
