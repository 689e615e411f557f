"""What every store owes its callers; a further store is one more factory here."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.errors import GalleryNotFound, IdentityNotFound, StoreUnavailable, TrackletNotFound
from service.gallery.digest import record_digest
from service.gallery.filters import EVERYTHING, TrackletFilter
from service.gallery.records import TrackletMetadata
from service.gallery.sqlite_store import SqliteStore
from service.gallery.store import Forgotten, GalleryModel, GalleryState
from tests.gallery_rows import MODEL, STORE_FILE, WITH_REAL_DISK, embedding_of, filters, rows_by_id

FACTORIES = [SqliteStore]
FULL = TrackletMetadata("p é", "c0", 1.25, 2.5, {"shift": "day", "frames": 3, "bag": True})


@pytest.fixture(params=FACTORIES)
def reopen(request, tmp_path):
    """Closes the store if it is open, and opens it again."""
    opened = []

    def again():
        for earlier in opened:
            earlier.close()
        store = request.param(tmp_path / STORE_FILE)
        store.open()
        store.create_gallery("default", MODEL)
        opened.append(store)
        return store

    yield again
    for store in opened:
        store.close()


@pytest.fixture
def store(reopen):
    return reopen()


def put(store, tracklet_id, *, seed=1, metadata=FULL, gallery="default"):
    return store.put(gallery, tracklet_id, embedding=embedding_of(seed), metadata=metadata)


def ids(store, chosen=EVERYTHING, *, after=None, limit=100):
    page = store.page("default", chosen, after=after, limit=limit)
    return [record.tracklet_id for record in page]


def described(record):
    return (
        record.tracklet_id,
        record.metadata,
        record.embedding.tobytes(),
        record.seq,
        record.enrolled_s,
    )


def test_what_was_put_comes_back_bit_for_bit_also_after_reopening(store, reopen):
    written = put(store, "a")
    assert written.created
    assert described(store.get("default", "a")) == described(written.record)
    read = reopen().get("default", "a")
    assert described(read) == described(written.record)
    assert read.embedding.dtype == np.float32
    assert not read.embedding.flags.writeable


def test_a_put_replaces_embedding_and_metadata_together(store):
    first = put(store, "a").record
    second = put(store, "a", seed=2, metadata=TrackletMetadata())
    assert not second.created
    assert second.record.seq == first.seq + 1
    assert described(store.get("default", "a")) == described(second.record)
    assert store.state("default").tracklets == 1


def test_every_write_has_the_next_seq_and_a_refused_one_has_none(store, reopen):
    assert [put(store, name).record.seq for name in "aab"] == [1, 2, 3]
    assert store.delete("default", "a") == Forgotten(("a",), 4)
    with pytest.raises(TrackletNotFound):
        store.delete("default", "a")
    assert store.delete_identity("default", "p é") == Forgotten(("b",), 5)
    assert reopen().state("default") == GalleryState(5, 0, 0)


def test_an_identity_is_forgotten_in_one_write(store):
    for name in "cab":
        put(store, name)
    put(store, "other", metadata=TrackletMetadata("q"))
    put(store, "nobody", metadata=TrackletMetadata())
    assert store.delete_identity("default", "p é") == Forgotten(("a", "b", "c"), 6)
    assert ids(store) == ["nobody", "other"]


@pytest.mark.parametrize("call", ["get", "delete"])
def test_an_unknown_tracklet_is_named(store, call):
    with pytest.raises(TrackletNotFound) as caught:
        getattr(store, call)("default", "a")
    assert caught.value.expected == "the id of an enrolled tracklet"
    assert caught.value.received == "'a'"
    assert store.state("default") == GalleryState(0, 0, 0)


def test_an_unknown_identity_is_named(store):
    put(store, "a", metadata=TrackletMetadata())
    with pytest.raises(IdentityNotFound) as caught:
        store.delete_identity("default", "p")
    assert caught.value.expected == "an identity of which the gallery holds a tracklet"
    assert caught.value.received == "'p'"
    assert store.state("default").seq == 1


def test_an_unknown_gallery_is_named_by_every_call(store):
    for call in (
        lambda: store.model("other"),
        lambda: store.state("other"),
        lambda: put(store, "a", gallery="other"),
        lambda: store.get("other", "a"),
        lambda: store.delete("other", "a"),
        lambda: store.delete_identity("other", "p"),
        lambda: store.page("other", EVERYTHING, after=None, limit=1),
        lambda: list(store.records("other")),
    ):
        with pytest.raises(GalleryNotFound) as caught:
            call()
        assert caught.value.expected == "the name of a gallery"
        assert caught.value.received == "'other'"


def test_galleries_are_apart(store):
    store.create_gallery("other", GalleryModel("e" * 64, MODEL.dimension))
    put(store, "a")
    put(store, "a", seed=2, gallery="other")
    put(store, "b", seed=3, gallery="other")
    store.delete_identity("other", "p é")
    assert store.state("default").tracklets == 1
    assert store.state("other") == GalleryState(3, 0, 0)
    assert ids(store) == ["a"]
    assert [record.tracklet_id for record in store.records("default")] == ["a"]


def test_a_gallery_that_exists_keeps_its_model_and_its_rows(store):
    put(store, "a")
    before = store.state("default")
    store.create_gallery("default", GalleryModel("e" * 64, 9))
    assert store.model("default") == MODEL
    assert store.state("default") == before


@settings(WITH_REAL_DISK, max_examples=30)
@given(rows=rows_by_id, chosen=filters, after=st.none() | st.just("t3"), limit=st.integers(1, 9))
def test_a_page_is_the_filter_row_by_row_in_the_order_of_ids(
    tmp_path_factory, rows, chosen, after, limit
):
    store = SqliteStore(tmp_path_factory.mktemp("store") / STORE_FILE)
    store.open()
    store.create_gallery("default", MODEL)
    for name, (embedding, metadata) in reversed(rows.items()):
        store.put("default", name, embedding=embedding, metadata=metadata)
    passing = [
        name
        for name, (_, metadata) in sorted(rows.items())
        if chosen.matches(name, metadata) and name > (after or "")
    ]
    assert ids(store, chosen, after=after, limit=limit) == passing[:limit]
    store.close()


def test_every_window_is_compared_with_every_interval_as_the_filter_does(store):
    ends = [None, 0.0, 1.0, 2.0, 3.0]
    known = [(a, b) for a in ends for b in ends if a is None or b is None or a <= b]
    rows = {f"t{place:02}": TrackletMetadata(None, None, *own) for place, own in enumerate(known)}
    for name, metadata in rows.items():
        put(store, name, metadata=metadata)
    for start_s, end_s in known:
        window = TrackletFilter(start_s=start_s, end_s=end_s)
        assert ids(store, window) == [name for name in rows if window.matches(name, rows[name])]


def test_a_page_may_name_thousands_of_cameras(store):
    put(store, "a")
    cameras = frozenset(f"c{number}" for number in range(50_000))
    assert ids(store, TrackletFilter(cameras=cameras)) == ["a"]
    assert ids(store, TrackletFilter(cameras=cameras - {"c0"})) == []


def test_ids_are_ordered_by_code_point_and_told_apart_by_case(store):
    names = ["a", "B", "b", "é", "€", "😀", "a ", "10", "9"]
    for name in names:
        put(store, name)
    assert ids(store) == sorted(names)


def test_the_digest_is_that_of_the_rows_held(store, reopen):
    for number, name in enumerate("abcabd"):
        put(store, name, seed=number)
    store.delete("default", "c")
    for _ in range(2):
        digest = 0
        for record in store.records("default"):
            digest ^= record_digest(record)
        assert store.state("default") == GalleryState(7, 3, digest)
        store = reopen()


def test_a_store_that_is_not_open_says_so(reopen):
    store = reopen()
    store.close()
    store.close()
    for call in (lambda: put(store, "a"), lambda: store.state("default")):
        with pytest.raises(StoreUnavailable) as caught:
            call()
        assert caught.value.expected == "an open store"
        assert caught.value.received == "one that is closed"
