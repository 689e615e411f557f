"""A store that has lost a gallery of which there are snapshots is not served as if it were new."""

import shutil

import pytest

from service.gallery.gallery_errors import StoreUnavailable
from service.gallery.replica.start_guard import require_no_lost_gallery
from service.gallery.stores.sqlite_gallery_store import SqliteGalleryStore
from tests.gallery_stores import SPEC, upsert, write
from tests.replicas import fill, started


@pytest.fixture
def other_store(tmp_path):
    """An empty store, as after the loss of the real one."""
    store = SqliteGalleryStore(tmp_path / "other" / "gallery.sqlite3")
    store.open()
    yield store
    store.close()


def with_snapshot(store, info, directory):
    fill(store, info, 5)
    with started(store, info, directory):
        pass


def test_a_first_start_and_a_store_with_all_its_galleries_pass(store, info, directory):
    require_no_lost_gallery(store, directory)
    with_snapshot(store, info, directory)
    require_no_lost_gallery(store, directory)
    assert (directory / info.gallery_id).exists()


def test_an_empty_store_beside_a_snapshot_stops_the_start(store, info, directory, other_store):
    with_snapshot(store, info, directory)
    with pytest.raises(StoreUnavailable) as caught:
        require_no_lost_gallery(other_store, directory)
    assert str(directory) in caught.value.expected
    assert caught.value.received == "one that has lost 'staff' (5 tracklets at write 1)"
    for remedy in ("store's data back", "`reid gallery reseed`", "REID_EXPECT_EMPTY_STORE=true"):
        assert remedy in caught.value.remedy
    assert list((directory / info.gallery_id).glob("snapshot-*"))


def test_a_new_gallery_of_the_same_name_does_not_hide_the_loss(store, info, directory, other_store):
    with_snapshot(store, info, directory)
    again = other_store.create_gallery("staff", SPEC)
    write(other_store, again.gallery_id, upsert("a"))
    with pytest.raises(StoreUnavailable, match="has lost 'staff'"):
        require_no_lost_gallery(other_store, directory)


def test_a_loss_that_is_accepted_starts_and_destroys_nothing(
    store, info, directory, other_store, caplog
):
    with_snapshot(store, info, directory)
    require_no_lost_gallery(other_store, directory, accept_loss=True)
    assert list((directory / info.gallery_id).glob("snapshot-*"))
    assert "lost_galleries_accepted" in caplog.messages


def test_snapshots_of_a_gallery_that_was_dropped_are_removed(store, info, directory):
    with_snapshot(store, info, directory)
    store.drop_gallery(info.gallery_id)
    require_no_lost_gallery(store, directory)
    assert not (directory / info.gallery_id).exists()


def test_what_is_no_snapshot_stops_nobody(store, info, directory, other_store):
    with_snapshot(store, info, directory)
    (path,) = (directory / info.gallery_id).glob("snapshot-*")
    shutil.copytree(directory / info.gallery_id, directory / ("e" * 32))
    (directory / "a file").write_text("x")
    (directory / "empty").mkdir()
    (path / "MANIFEST").write_text("damaged")
    require_no_lost_gallery(other_store, directory)


def test_of_many_lost_galleries_some_are_named(store, directory, other_store):
    for number in range(7):
        with_snapshot(store, store.create_gallery(f"g{number}", SPEC), directory)
    with pytest.raises(StoreUnavailable, match=r"\), 2 more; put"):
        require_no_lost_gallery(other_store, directory)
