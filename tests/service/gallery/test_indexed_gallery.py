import logging

import pytest

from service.errors import (
    GalleryNotFound,
    IdentityNotFound,
    ModelMismatch,
    ReidError,
    StoreUnavailable,
    TrackletNotFound,
)
from service.gallery import flat_index
from service.gallery.filters import EVERYTHING
from service.gallery.flat_index import FlatIndex
from service.gallery.indexed_gallery import IndexedGallery, OpenGalleries
from service.gallery.records import TrackletMetadata
from service.gallery.sqlite_store import SqliteStore
from service.gallery.store import GalleryModel, GalleryState
from tests.gallery_rows import DIMENSION, MODEL, STORE_FILE, embedding_of


@pytest.fixture
def store(tmp_path):
    store = SqliteStore(tmp_path / STORE_FILE)
    store.open()
    store.create_gallery("default", MODEL)
    yield store
    store.close()


@pytest.fixture
def gallery(store):
    return IndexedGallery(store, "default", model=MODEL, threads=1)


def put(gallery, name, seed=1, identity="p"):
    known = TrackletMetadata(identity)
    return gallery.put(name, embedding=embedding_of(seed), metadata=known)


def found(gallery):
    index = gallery.index()
    hits = index.nearest(embedding_of(0), index.select([EVERYTHING]), 99)
    return sorted(hit.tracklet_id for hit in hits)


def fails(monkeypatch, owner, name):
    def fail(*_, **__):
        raise MemoryError

    monkeypatch.setattr(owner, name, fail)


def test_every_write_reaches_store_and_index(gallery, store):
    for name in "abca":
        put(gallery, name)
    assert gallery.delete("b").tracklet_ids == ("b",)
    put(gallery, "d", identity="q")
    assert gallery.delete_identity("p").tracklet_ids == ("a", "c")
    assert found(gallery) == ["d"]
    assert gallery.index().state == store.state("default") == gallery.verified_state()
    assert store.state("default").seq == 7


def test_the_index_is_built_from_the_store(gallery, store):
    for name in "abc":
        put(gallery, name)
    gallery.delete("c")
    again = IndexedGallery(store, "default", model=MODEL, threads=1)
    assert found(again) == ["a", "b"]
    assert again.index().state == store.state("default")


@pytest.mark.parametrize("place", ["_add", "_compact", "_bury"])
@pytest.mark.parametrize("write", ["new", "replace", "delete", "delete_identity"])
def test_an_index_that_fails_after_the_commit_is_built_again(
    gallery, store, monkeypatch, caplog, place, write
):
    for name in "abc":
        put(gallery, name)
    writes = {
        "new": lambda: put(gallery, "d"),
        "replace": lambda: put(gallery, "a", seed=5),
        "delete": lambda: gallery.delete("a"),
        "delete_identity": lambda: gallery.delete_identity("p"),
    }
    reached = (place == "_compact") or ((place == "_add") == (write in {"new", "replace"}))
    if write == "replace" and place == "_bury":
        reached = True
    with monkeypatch.context() as sabotaged:
        fails(sabotaged, FlatIndex, place)
        if reached:
            with pytest.raises(MemoryError):
                writes[write]()
        else:
            writes[write]()
    with caplog.at_level(logging.WARNING):
        assert found(gallery) == sorted(r.tracklet_id for r in store.records("default"))
    assert gallery.index().state == store.state("default")
    assert ("index_rebuilt" in caplog.text) is reached


def test_a_write_that_the_store_refuses_leaves_the_index_as_it_is(gallery, store, caplog):
    put(gallery, "a")
    index = gallery.index()
    for refused, error in (
        (lambda: gallery.delete("x"), TrackletNotFound),
        (lambda: gallery.delete_identity("x"), IdentityNotFound),
    ):
        with pytest.raises(error):
            refused()
    assert gallery.index() is index
    assert "index_rebuilt" not in caplog.text


def test_an_index_that_may_differ_is_not_searched_while_the_store_cannot_be_read(
    gallery, store, monkeypatch
):
    put(gallery, "a")
    with monkeypatch.context() as sabotaged:
        fails(sabotaged, FlatIndex, "_add")
        with pytest.raises(MemoryError):
            put(gallery, "b")
    store.close()
    for use in (gallery.index, gallery.verified_state, lambda: put(gallery, "c")):
        with pytest.raises(StoreUnavailable, match="closed"):
            use()
    store.open()
    assert found(gallery) == ["a", "b"]


def test_a_difference_from_outside_is_found_when_it_is_looked_for(gallery, store):
    put(gallery, "a")
    store.put("default", "b", embedding=embedding_of(2), metadata=TrackletMetadata())
    assert found(gallery) == ["a"]
    assert gallery.verified_state() == store.state("default")
    assert found(gallery) == ["a", "b"]


def test_a_store_that_lost_a_row_is_refused(gallery, store, tmp_path):
    put(gallery, "a")
    put(gallery, "b")
    store._connection.execute("DELETE FROM tracklets WHERE tracklet_id = 'a'")
    with pytest.raises(StoreUnavailable) as caught:
        IndexedGallery(store, "default", model=MODEL, threads=1)
    assert caught.value.expected == "2 tracklets with the digest of write 2"
    assert caught.value.received.startswith("1 tracklets with another digest")
    assert "backup" in caught.value.remedy


@pytest.mark.parametrize(
    "running", [GalleryModel("e" * 64, DIMENSION), GalleryModel(MODEL.fingerprint, DIMENSION + 1)]
)
def test_the_embeddings_of_another_model_are_refused_naming_both(store, running):
    with pytest.raises(ModelMismatch) as caught:
        IndexedGallery(store, "default", model=running, threads=1)
    assert caught.value.status == 409
    assert caught.value.expected == (
        f"the model of gallery 'default': {MODEL.fingerprint}, dimension {DIMENSION}"
    )
    assert caught.value.received == (f"model {running.fingerprint}, dimension {running.dimension}")
    assert "enroll again" in caught.value.remedy


class TestOpenGalleries:
    @pytest.fixture
    def galleries(self, tmp_path):
        store = SqliteStore(tmp_path / STORE_FILE)
        yield OpenGalleries(store, model=MODEL, threads=1)
        store.close()

    def test_the_first_gallery_is_created_and_kept(self, galleries):
        galleries.open("default")
        gallery = galleries.named("default")
        assert gallery.verified_state() == GalleryState(0, 0, 0)
        assert galleries.named("default") is gallery

    def test_there_are_no_others(self, galleries):
        galleries.open("default")
        with pytest.raises(GalleryNotFound):
            galleries.named("other")

    def test_a_gallery_of_another_model_is_refused_at_every_use_but_not_at_the_start(
        self, galleries, tmp_path
    ):
        galleries.open("default")
        galleries._store.close()
        store = SqliteStore(tmp_path / STORE_FILE)
        others = OpenGalleries(store, model=GalleryModel("e" * 64, DIMENSION), threads=1)
        others.open("default")
        for _ in range(2):
            with pytest.raises(ModelMismatch):
                others.named("default")
        store.close()

    def test_a_faiss_that_ignores_filters_is_refused_before_the_store_is_opened(
        self, galleries, monkeypatch, tmp_path
    ):
        def ignoring(index, query, selected, k):
            similarities, rows = index.search(query[None], k)
            return similarities[0], rows[0]

        monkeypatch.setattr(flat_index, "_scan", ignoring)
        with pytest.raises(ReidError, match="FAISS"):
            galleries.open("default")
        assert not (tmp_path / STORE_FILE).exists()
