import threading
from dataclasses import replace

import pytest

from service.errors import InvalidIdentifier, NotReady
from service.gallery.gallery_errors import (
    CapacityExceeded,
    GalleryExists,
    GalleryNotFound,
    StoreUnavailable,
)
from service.gallery.stores.protocol import GallerySpec
from tests.gallery_rows import MODEL
from tests.gallery_stores import sqlite_place
from tests.open_galleries import LIMITS, SPEC, new_gallery, open_catalogue, put, who


def test_a_gallery_is_created_once_and_found_by_its_name(catalogue):
    info, created = catalogue.create("station", SPEC)
    assert created
    again, created = catalogue.create("station", SPEC)
    assert (again, created) == (info, False)
    with pytest.raises(GalleryExists):
        catalogue.create("station", GallerySpec(MODEL, max_tracklets=7))
    assert catalogue.named("station").info == info
    assert "station" in [one.name for one in catalogue.infos()]
    catalogue.drop("station")
    with pytest.raises(GalleryNotFound, match=r"name or alias of a gallery, received 'station'"):
        catalogue.named("station")
    successor, created = catalogue.create("station", SPEC)
    assert created
    assert successor.gallery_id != info.gallery_id


def test_an_alias_moves_in_one_step_and_requests_under_way_keep_their_gallery(catalogue):
    one, two = new_gallery(catalogue), new_gallery(catalogue)
    put(one, "of one")
    catalogue.point_alias("current", one.name)
    held = catalogue.named("current")
    catalogue.point_alias("current", two.name)
    assert held.gallery_id == one.gallery_id
    assert list(who(held)) == ["of one"]
    assert catalogue.named("current").gallery_id == two.gallery_id
    assert catalogue.aliases()["current"].name == two.name
    catalogue.point_alias("another", "current")
    assert catalogue.named("another").gallery_id == two.gallery_id
    catalogue.remove_alias("current")
    with pytest.raises(GalleryNotFound):
        catalogue.named("current")
    with pytest.raises(GalleryNotFound):
        catalogue.remove_alias("current")


def test_an_alias_and_a_gallery_never_share_a_name(catalogue):
    one = new_gallery(catalogue)
    with pytest.raises(GalleryExists):
        catalogue.point_alias(one.name, one.name)
    catalogue.point_alias("taken", one.name)
    with pytest.raises(GalleryExists):
        catalogue.create("taken", SPEC)
    with pytest.raises(GalleryNotFound):
        catalogue.drop("taken")
    assert catalogue.named("taken").gallery_id == one.gallery_id


@pytest.mark.parametrize("name", ["", "a/b", "..", "a\0", "x" * 201, "\u202edeeper"])
def test_impossible_names_are_refused_everywhere(catalogue, name):
    one = new_gallery(catalogue)
    for call in (
        lambda: catalogue.create(name, SPEC),
        lambda: catalogue.named(name),
        lambda: catalogue.drop(name),
        lambda: catalogue.point_alias(name, one.name),
        lambda: catalogue.point_alias("a", name),
        lambda: catalogue.remove_alias(name),
    ):
        with pytest.raises(InvalidIdentifier):
            call()


def test_a_name_from_right_to_left_is_a_name(catalogue):
    catalogue.create("תחנה", SPEC)
    assert catalogue.named("תחנה").name == "תחנה"


def test_a_dropped_gallery_leaves_no_snapshot(tmp_path):
    with sqlite_place(tmp_path) as place:
        store = place.store()
        store.open()
        with open_catalogue(store, tmp_path) as catalogue:
            gallery = new_gallery(catalogue)
            put(gallery, "a")
            gallery.replica.snapshot()
            assert list((tmp_path / "snapshots").iterdir())
            catalogue.drop(gallery.name)
            assert not [path for path in (tmp_path / "snapshots").rglob("*.raw") if path.is_file()]
            with pytest.raises(NotReady):
                gallery.view()
        store.close()


def test_more_galleries_than_allowed_are_refused_and_known_ones_are_not(tmp_path):
    with sqlite_place(tmp_path) as place:
        store = place.store()
        store.open()
        with open_catalogue(store, tmp_path, limits=replace(LIMITS, most_galleries=2)) as catalogue:
            for name in ("a", "b"):
                catalogue.create(name, SPEC)
            with pytest.raises(CapacityExceeded, match=r"at most 2 galleries, received one more"):
                catalogue.create("c", SPEC)
            assert catalogue.create("b", SPEC)[1] is False
            catalogue.drop("a")
            catalogue.create("c", SPEC)
        store.close()


def test_names_stay_known_while_the_store_is_away(catalogue, monkeypatch):
    gallery = new_gallery(catalogue)
    put(gallery, "a")

    def away():
        raise StoreUnavailable(expected="a store", received="none", remedy="wait")

    monkeypatch.setattr(gallery.store, "galleries", away)
    with pytest.raises(StoreUnavailable):
        catalogue.refresh()
    assert catalogue.named(gallery.name).view().state.tracklets == 1
    with pytest.raises(StoreUnavailable):
        catalogue.named("unknown")


def test_many_threads_open_one_replica(catalogue):
    info, _ = catalogue.create("shared", SPEC)
    found, start = [], threading.Barrier(8)

    def ask():
        start.wait(10)
        found.append(catalogue.named("shared").replica)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(replica) for replica in found}) == 1
    assert info.name == "shared"


def test_galleries_come_and_go_under_many_threads(catalogue):
    failures = []

    def live(number):
        try:
            for turn in range(4):
                name = f"brief-{number}-{turn}"
                catalogue.create(name, SPEC)
                assert put(catalogue.named(name), "a") == 1
                catalogue.drop(name)
        except Exception as error:  # noqa: BLE001 whatever it is, the test says it
            failures.append(error)

    threads = [threading.Thread(target=live, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert not [info for info in catalogue.infos() if info.name.startswith("brief-")]
    assert catalogue.problem() is None


def test_a_closed_catalogue_opens_nothing(tmp_path):
    with sqlite_place(tmp_path) as place:
        store = place.store()
        store.open()
        with open_catalogue(store, tmp_path) as catalogue:
            gallery = new_gallery(catalogue)
        with pytest.raises(NotReady, match="a request while the service stops"):
            catalogue.named(gallery.name)
        store.close()
