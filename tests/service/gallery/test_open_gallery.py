import threading

import pytest

from service.errors import InvalidMetadata
from service.gallery.gallery_errors import ModelMismatch, OutcomeUnknown, ReplicaBehind
from service.gallery.open_gallery import OpenGallery
from service.gallery.records import TrackletMetadata
from service.gallery.stores.batch import Upsert
from service.gallery.stores.protocol import GalleryModel
from tests.gallery_rows import MODEL, NOTHING_KNOWN, embedding_of
from tests.open_galleries import put


def impatient(gallery: OpenGallery) -> OpenGallery:
    """The same gallery, which waits a moment only."""
    return OpenGallery(
        name=gallery.name,
        info=gallery.info,
        store=gallery.store,
        replica=gallery.replica,
        approximate=gallery.approximate,
        clock=gallery.clock,
        visible_within_s=0.1,
    )


def test_an_acknowledged_write_is_seen_by_the_view_that_is_taken_next(gallery):
    for number in range(20):
        seq = put(gallery, f"t{number}")
        view = gallery.view()
        assert view.state.seq >= seq
        assert view.record_head(f"t{number}") is not None


def test_a_write_that_is_not_seen_in_time_is_durable_and_never_called_failed(gallery, monkeypatch):
    stored_rows, gate = gallery.store.rows, threading.Event()

    def slow(gallery_id, tracklet_ids):
        if threading.current_thread().name == "replica":
            gate.wait(10)
        return stored_rows(gallery_id, tracklet_ids)

    monkeypatch.setattr(gallery.store, "rows", slow)
    change = Upsert("late", embedding_of(1), NOTHING_KNOWN)
    done = impatient(gallery).write([change])
    assert (done.outcomes, done.visible) == (("created",), False)
    assert gallery.store.state(gallery.gallery_id).tracklets == 1
    with pytest.raises(ReplicaBehind):
        gallery.view(min_seq=done.seq, within_s=0.05)
    with pytest.raises(ReplicaBehind):
        impatient(gallery).head_view()
    gate.set()
    assert gallery.view(min_seq=done.seq, within_s=10).row_of("late") is not None
    assert gallery.shows(done.seq)


def test_what_the_store_does_not_know_is_raised_as_such(gallery, monkeypatch):
    def broken(*_):
        raise OutcomeUnknown(expected="an answer", received="none", remedy="repeat")

    monkeypatch.setattr(gallery.store, "write", broken)
    with pytest.raises(OutcomeUnknown):
        put(gallery, "a")


def test_another_model_is_refused_and_both_are_named(gallery):
    gallery.require_model(MODEL)
    for other in (GalleryModel("e" * 64, MODEL.dimension), GalleryModel(MODEL.fingerprint, 9)):
        with pytest.raises(ModelMismatch) as caught:
            gallery.require_model(other)
        assert f"{MODEL.fingerprint}, dimension {MODEL.dimension}" in caught.value.expected
        assert caught.value.received == f"model {other.fingerprint}, dimension {other.dimension}"
        assert "move the alias" in caught.value.remedy


def test_too_many_names_of_attributes_are_refused_before_anything_is_stored(gallery):
    def named(first, count):
        attributes = {f"name-{number}": 1 for number in range(first, first + count)}
        return TrackletMetadata(attributes=attributes)

    gallery.write([Upsert("many", embedding_of(1), named(0, 128))])
    with pytest.raises(InvalidMetadata, match="at most 128 different attribute names"):
        gallery.write([Upsert("more", embedding_of(1), named(128, 1))])
    assert gallery.store.state(gallery.gallery_id).tracklets == 1
    gallery.write([Upsert("same", embedding_of(1), named(3, 5))])
