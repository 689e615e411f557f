"""What every store owes in galleries and their aliases."""

import pytest

from service.gallery.gallery_errors import GalleryExists, GalleryNotFound
from service.gallery.stores.batch import Batch
from service.gallery.stores.log_chain import first_hash
from service.gallery.stores.protocol import GalleryInfo, GalleryModel, GallerySpec, GalleryState
from tests.erasure_receipts import mark, receipt
from tests.gallery_stores import MODEL, SPEC, held, upsert, write

OF_A_GALLERY = {
    "state": lambda store, gallery: store.state(gallery),
    "write": lambda store, gallery: store.write(gallery, Batch((upsert("a"),))),
    "rows": lambda store, gallery: store.rows(gallery, ["a"]),
    "scan": lambda store, gallery: list(store.scan(gallery)),
    "log": lambda store, gallery: store.log(gallery, after=0, limit=1),
    "entry_hash": lambda store, gallery: store.entry_hash(gallery, 0),
    "trim_log": lambda store, gallery: store.trim_log(gallery, upto=1),
    "mark_replica": lambda store, gallery: store.mark_replica(gallery, mark("r")),
    "replicas": lambda store, gallery: store.replicas(gallery),
    "begin_erasure": lambda store, gallery: store.begin_erasure(receipt(gallery)),
    "save_receipt": lambda store, gallery: store.save_receipt(receipt(gallery)),
    "receipts": lambda store, gallery: store.receipts(gallery),
    "drop_gallery": lambda store, gallery: store.drop_gallery(gallery),
    "set_alias": lambda store, gallery: store.set_alias("alias", gallery),
}


def test_a_new_gallery_is_empty_and_says_what_was_decided(store):
    assert store.galleries() == ()
    spec = GallerySpec(GalleryModel("a" * 64, 7), max_tracklets=12, retention_s=3600.5)
    before_s = store.now_s()
    info = store.create_gallery("main entrance", spec)
    assert (info.name, info.spec) == ("main entrance", spec)
    assert before_s <= info.created_s <= store.now_s()
    assert store.galleries() == (info,)
    first = first_hash(info.gallery_id)
    assert store.state(info.gallery_id) == GalleryState(0, 0, 0, first)
    assert list(store.scan(info.gallery_id)) == []


def test_galleries_come_by_name_with_what_was_decided_for_each(store):
    specs = {
        "b": GallerySpec(GalleryModel("b" * 64, 8), max_tracklets=5),
        "c": GallerySpec(GalleryModel("c" * 64, 9), retention_s=5.0),
        "a": GallerySpec(GalleryModel("d" * 64, 1)),
    }
    made = {name: store.create_gallery(name, spec) for name, spec in specs.items()}
    assert store.galleries() == (made["a"], made["b"], made["c"])
    assert len({info.gallery_id for info in made.values()}) == 3


def test_creating_it_again_as_it_is_changes_nothing(store, gallery):
    write(store, gallery, upsert("a"))
    before = store.state(gallery)
    (info,) = store.galleries()
    assert store.create_gallery("default", SPEC) == info
    assert store.galleries() == (info,)
    assert store.state(gallery) == before


@pytest.mark.parametrize(
    "other",
    [
        GallerySpec(GalleryModel("0" * 64, MODEL.dimension)),
        GallerySpec(GalleryModel(MODEL.fingerprint, 31)),
        GallerySpec(MODEL, max_tracklets=1),
        GallerySpec(MODEL, retention_s=1.0),
    ],
)
def test_a_name_is_not_taken_twice_for_different_things(store, gallery, other):
    with pytest.raises(GalleryExists) as caught:
        store.create_gallery("default", other)
    assert caught.value.received == "'default', a gallery of another specification"
    assert "choose another name" in caught.value.remedy
    assert [info.spec for info in store.galleries()] == [SPEC]


def test_galleries_do_not_see_each_other(store, gallery):
    other = store.create_gallery("other", SPEC).gallery_id
    write(store, gallery, upsert("a", 1), upsert("b", 2))
    write(store, other, upsert("a", 3))
    assert set(held(store, other)) == {"a"}
    assert (store.state(gallery).tracklets, store.state(other).tracklets) == (2, 1)
    assert store.rows(other, ["b"]) == [None]
    store.trim_log(other, upto=1)
    assert len(store.log(gallery, after=0, limit=9)) == 1
    store.drop_gallery(other)
    assert set(held(store, gallery)) == {"a", "b"}
    assert [info.name for info in store.galleries()] == ["default"]


def test_a_dropped_gallery_takes_all_its_own_along(store, gallery):
    write(store, gallery, upsert("a"))
    store.set_alias("live", gallery)
    store.mark_replica(gallery, mark("r"))
    store.begin_erasure(receipt(gallery))
    store.drop_gallery(gallery)
    assert store.galleries() == ()
    assert store.aliases() == {}
    with pytest.raises(GalleryNotFound):
        store.state(gallery)
    again = store.create_gallery("default", SPEC)
    assert again.gallery_id != gallery
    assert store.state(again.gallery_id).tracklets == 0
    assert held(store, again.gallery_id) == {}
    assert store.log(again.gallery_id, after=0, limit=9) == []
    assert store.replicas(again.gallery_id) == ()
    assert store.receipts(again.gallery_id) == ()
    assert write(store, again.gallery_id, upsert("a", identity="p")).outcomes == ("created",)


def test_what_was_lost_can_be_given_up_and_counts_as_dropped(store, gallery):
    store.give_up_gallery("f" * 32)
    store.give_up_gallery("f" * 32)
    assert store.was_dropped("f" * 32)
    assert not store.was_dropped(gallery)


def test_a_store_remembers_what_was_dropped_and_forgets_what_was_lost(place, store, gallery):
    assert not store.was_dropped(gallery)
    assert not store.was_dropped("f" * 32)
    store.drop_gallery(gallery)
    assert store.was_dropped(gallery)
    store.close()
    reopened = place.store()
    reopened.open()
    assert reopened.was_dropped(gallery)
    reopened.close()


@pytest.mark.parametrize("call", OF_A_GALLERY)
def test_what_is_asked_of_no_gallery_is_not_found(store, gallery, call):
    for unknown in ("default", gallery[:-1], "", "x" * 32):
        with pytest.raises(GalleryNotFound) as caught:
            OF_A_GALLERY[call](store, unknown)
        assert caught.value.received == repr(unknown)
        assert caught.value.expected == "the id of a gallery in the store"
        assert "list the galleries" in caught.value.remedy
    store.drop_gallery(gallery)
    with pytest.raises(GalleryNotFound):
        OF_A_GALLERY[call](store, gallery)


def test_an_alias_points_where_it_was_last_set(store, gallery):
    other = store.create_gallery("other", SPEC).gallery_id
    assert store.aliases() == {}
    store.set_alias("live", gallery)
    store.set_alias("night", gallery)
    assert store.aliases() == {"live": gallery, "night": gallery}
    store.set_alias("live", other)
    assert store.aliases() == {"live": other, "night": gallery}
    store.set_alias("night", None)
    store.set_alias("never", None)
    assert store.aliases() == {"live": other}
    store.drop_gallery(gallery)
    assert store.aliases() == {"live": other}


def test_a_name_is_a_gallery_or_an_alias(store, gallery):
    store.set_alias("live", gallery)
    with pytest.raises(GalleryExists) as caught:
        store.create_gallery("live", SPEC)
    assert caught.value.received == "'live', an alias"
    other = store.create_gallery("other", SPEC).gallery_id
    for name in ("other", "default"):
        with pytest.raises(GalleryExists) as caught:
            store.set_alias(name, other)
        assert caught.value.received == f"{name!r}, a gallery"
        assert caught.value.expected == "a name that nothing has"
    assert store.aliases() == {"live": gallery}
    store.set_alias("live", None)
    assert isinstance(store.create_gallery("live", SPEC), GalleryInfo)


def test_an_alias_of_no_gallery_stays_as_it_was(store, gallery):
    store.set_alias("live", gallery)
    with pytest.raises(GalleryNotFound):
        store.set_alias("live", "0" * 32)
    assert store.aliases() == {"live": gallery}


def test_names_may_hold_any_characters_of_identifiers(store, gallery):
    names = ["{braces}", "a:b", "שלום", "مرحبا", "x" * 200, "%'\"\\"]
    for name in names:
        made = store.create_gallery(name, SPEC).gallery_id
        store.set_alias(f"{name}!"[-200:], made)
        write(store, made, upsert(name, identity=name))
    assert {info.name for info in store.galleries()} == {*names, "default"}
    for info in store.galleries():
        assert set(held(store, info.gallery_id)) == {info.name} - {"default"}
    assert len(store.aliases()) == len(names)
