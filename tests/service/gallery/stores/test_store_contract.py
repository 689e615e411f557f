"""What every store owes in rows and writes, whatever it keeps them in."""

from dataclasses import replace

import numpy as np
import pytest

from service.errors import InvalidEmbedding
from service.gallery.gallery_errors import CapacityExceeded, SeqConflict, StoreUnavailable
from service.gallery.records import TrackletMetadata
from service.gallery.stores.batch import MOST_CHANGES, Delete
from service.gallery.stores.protocol import GallerySpec, GalleryState
from tests.gallery_stores import MODEL, digest_by_hand, held, unit, upsert, write

KNOWN = {
    "identity": "p",
    "camera": "c",
    "start_s": 1.0,
    "end_s": 2.5,
    "attributes": {"coat": "red", "tall": True, "frames": 3, "blur": 0.25},
    "expires_s": 4e9,
}
NAMES = [
    "{braces}",
    "{default}:t:x",
    "colons:and:more",
    "שלום עולם",
    "مرحبا",
    "x" * 200,
    "🚶" * 200,
    "%s ' \" \\ ; --",
    "İstanbul",
    "-1",
    "null",
]


def test_a_row_comes_back_as_it_was_written(store, gallery):
    before_s = store.now_s()
    written = write(store, gallery, upsert("a", 1, **KNOWN))
    after_s = store.now_s()
    assert (written.seq, written.outcomes, written.repeated) == (1, ("created",), False)
    row, missing = store.rows(gallery, ["a", "b"])
    assert missing is None
    assert (row.record.tracklet_id, row.record.seq) == ("a", 1)
    assert row.record.metadata == TrackletMetadata(**KNOWN)
    assert before_s <= row.record.enrolled_s <= after_s
    rounded = unit(1).astype(np.float16).astype(np.float32)
    assert row.record.embedding.tobytes() == rounded.tobytes()
    assert not row.record.embedding.flags.writeable
    assert digest_by_hand({"a": row.record}) == row.digest


def test_rows_come_in_the_order_asked_for_and_as_often(store, gallery):
    write(store, gallery, *[upsert(name) for name in "abc"])
    names = ["c", "zz", "a", "c", "b"]
    rows = store.rows(gallery, names)
    assert [row and row.record.tracklet_id for row in rows] == ["c", None, "a", "c", "b"]
    assert store.rows(gallery, []) == []


@pytest.mark.parametrize("name", NAMES)
def test_any_identifier_names_a_row_an_identity_and_a_camera(store, gallery, name):
    write(store, gallery, upsert(name, 1, identity=name, camera=name, attributes={name: name}))
    write(store, gallery, upsert("other", 2))
    (row,) = store.rows(gallery, [name])
    known = row.record.metadata
    assert (known.identity, known.camera, known.attributes) == (name, name, {name: name})
    assert set(held(store, gallery)) == {name, "other"}
    assert store.log(gallery, after=0, limit=1)[0].touched() == (name,)
    assert write(store, gallery, Delete(name)).outcomes == ("deleted",)
    assert set(held(store, gallery)) == {"other"}


def test_names_that_only_look_alike_are_different_rows(store, gallery):
    names = ["a", "A", "á", "a\u0301", "a "]
    write(store, gallery, *[upsert(name, seed) for seed, name in enumerate(names)])
    assert set(held(store, gallery)) == set(names)


def test_each_write_has_the_next_seq_and_its_rows_share_it(store, gallery):
    assert write(store, gallery, upsert("a"), upsert("b")).seq == 1
    assert write(store, gallery, upsert("b", 2), upsert("c")).seq == 2
    assert write(store, gallery, Delete("a")).seq == 3
    assert {name: record.seq for name, record in held(store, gallery).items()} == {"b": 2, "c": 2}
    assert write(store, gallery, upsert("a")).seq == 4


def test_every_change_of_a_batch_has_its_outcome_in_order(store, gallery):
    write(store, gallery, upsert("a", 1), upsert("b", 2))
    changes = [Delete("zz"), upsert("c", 3), Delete("a"), upsert("b", 4)]
    written = write(store, gallery, *changes)
    assert written.outcomes == ("absent", "created", "deleted", "replaced")
    rows = held(store, gallery)
    assert set(rows) == {"b", "c"}
    assert np.abs(rows["b"].embedding - unit(4)).max() < 1e-3


def test_where_nothing_has_to_be_done_there_is_no_write(store, gallery):
    assert write(store, gallery, Delete("a")).seq == 0
    write(store, gallery, upsert("a"))
    before = store.state(gallery)
    written = write(store, gallery, Delete("b"), Delete("c"))
    assert (written.seq, written.outcomes) == (1, ("absent", "absent"))
    assert store.state(gallery) == before
    assert len(store.log(gallery, after=0, limit=9)) == 1


def test_the_state_counts_the_rows_and_digests_them(store, gallery):
    chain = store.entry_hash(gallery, 0)
    assert store.state(gallery) == GalleryState(0, 0, 0, chain)
    write(store, gallery, *[upsert(f"t{number}", number) for number in range(20)])
    write(store, gallery, *[Delete(f"t{number}") for number in range(5)], upsert("t9", 99))
    write(store, gallery, upsert("t9", 99))
    rows = held(store, gallery)
    state = store.state(gallery)
    assert (state.seq, state.tracklets) == (3, 15) == (3, len(rows))
    assert state.digest == digest_by_hand(rows) != 0
    write(store, gallery, *[Delete(name) for name in rows])
    assert (store.state(gallery).tracklets, store.state(gallery).digest) == (0, 0)


def test_the_digest_tells_the_same_content_of_another_write(store, gallery):
    write(store, gallery, upsert("a", 1, enrolled_s=5.0))
    before = store.state(gallery).digest
    write(store, gallery, upsert("a", 1, enrolled_s=5.0))
    assert store.state(gallery).digest != before


def test_when_a_row_was_enrolled_can_be_said(store, gallery):
    write(store, gallery, upsert("a", 1, enrolled_s=-12.25))
    assert held(store, gallery)["a"].enrolled_s == -12.25


def test_retention_gives_a_row_without_an_expiry_one(store):
    kept = store.create_gallery("kept", GallerySpec(MODEL, retention_s=60.0)).gallery_id
    write(store, kept, upsert("a", enrolled_s=100.0), upsert("b", enrolled_s=1.0, expires_s=7.0))
    rows = held(store, kept)
    assert rows["a"].metadata.expires_s == 160.0
    assert rows["b"].metadata.expires_s == 7.0
    write(store, kept, upsert("c"))
    later = held(store, kept)["c"]
    assert later.metadata.expires_s == later.enrolled_s + 60.0


def test_a_row_changes_only_where_its_seq_is_the_one_named(store, gallery):
    write(store, gallery, upsert("a", 1))
    write(store, gallery, upsert("b", 1))
    assert write(store, gallery, upsert("b", 2, if_seq=2)).outcomes == ("replaced",)
    assert write(store, gallery, Delete("b", if_seq=3)).outcomes == ("deleted",)
    changes = [upsert("a", 9, if_seq=2), upsert("c"), Delete("b", if_seq=3), Delete("d")]
    before = store.state(gallery), held(store, gallery)["a"].embedding.tobytes()
    with pytest.raises(SeqConflict) as caught:
        write(store, gallery, *changes)
    assert caught.value.held == {"a": 1, "b": 0}
    assert caught.value.received == "2 at another; 'a' is at 1"
    assert (store.state(gallery), held(store, gallery)["a"].embedding.tobytes()) == before
    assert set(held(store, gallery)) == {"a"}


def test_a_row_is_only_created_where_that_is_asked(store, gallery):
    assert write(store, gallery, upsert("a", 1, if_seq=0)).outcomes == ("created",)
    with pytest.raises(SeqConflict) as caught:
        write(store, gallery, upsert("b"), upsert("a", 2, if_seq=0))
    assert caught.value.held == {"a": 1}
    assert set(held(store, gallery)) == {"a"}
    write(store, gallery, Delete("a"))
    assert write(store, gallery, upsert("a", 2, if_seq=0)).outcomes == ("created",)
    assert write(store, gallery, Delete("zz", if_seq=0)).outcomes == ("absent",)


def test_a_full_gallery_takes_what_does_not_grow_it(store):
    full = store.create_gallery("full", GallerySpec(MODEL, max_tracklets=3)).gallery_id
    write(store, full, *[upsert(name) for name in "abc"])
    before = store.state(full)
    for changes in ([upsert("d")], [upsert("a", 5), upsert("d"), upsert("e"), Delete("b")]):
        with pytest.raises(CapacityExceeded) as caught:
            write(store, full, *changes)
        assert "at most 3 tracklets in the gallery" in caught.value.expected
        assert "that it holds" in caught.value.received
        assert "delete tracklets" in caught.value.remedy
        assert store.state(full) == before
    assert write(store, full, upsert("a", 5)).outcomes == ("replaced",)
    assert write(store, full, upsert("d"), Delete("b")).outcomes == ("created", "deleted")
    write(store, full, Delete("a"))
    assert write(store, full, upsert("e")).outcomes == ("created",)
    assert set(held(store, full)) == {"c", "d", "e"}


def test_an_embedding_of_another_dimension_spoils_the_whole_batch(store, gallery):
    for wrong in (unit(1, 31), unit(1, 33), np.ones((1, 32), np.float32)):
        with pytest.raises(InvalidEmbedding) as caught:
            write(store, gallery, upsert("a"), replace(upsert("b"), embedding=wrong))
        assert caught.value.expected == "an embedding of the gallery's 32 dimensions"
        assert caught.value.received == f"shape {list(wrong.shape)}"
        assert "gallery's model" in caught.value.remedy
    assert store.state(gallery).seq == 0
    assert held(store, gallery) == {}


def test_the_largest_batch_is_one_write(store, gallery):
    names = [f"{number:03}" + "n" * 197 for number in range(MOST_CHANGES)]
    written = write(store, gallery, *[upsert(name, 1) for name in names])
    assert written.seq == 1
    assert set(written.outcomes) == {"created"}
    assert set(held(store, gallery)) == set(names)
    assert store.log(gallery, after=0, limit=9)[0].touched() == tuple(names)


def test_the_scan_of_many_rows_brings_each_once(store, gallery):
    names = [f"t{number}" for number in range(2600)]
    for start in range(0, len(names), MOST_CHANGES):
        write(store, gallery, *[upsert(name) for name in names[start : start + MOST_CHANGES]])
    assert set(held(store, gallery)) == set(names)


def test_everything_is_there_after_a_restart(place, store, gallery):
    write(store, gallery, upsert("a", 1, **KNOWN), upsert("b", 2))
    write(store, gallery, Delete("b"))
    before = store.state(gallery), store.log(gallery, after=0, limit=9), store.galleries()
    store.close()
    again = place.store()
    again.open()
    try:
        after = again.state(gallery), again.log(gallery, after=0, limit=9), again.galleries()
        assert after == before
        (row,) = again.rows(gallery, ["a"])
        assert row.record.metadata == TrackletMetadata(**KNOWN)
        assert write(again, gallery, upsert("b")).seq == 3
    finally:
        again.close()


def test_a_store_that_is_not_open_says_so(place, store, gallery):
    store.close()
    store.close()
    for closed in (store, place.store()):
        for call, values in (
            (closed.check, ()),
            (closed.galleries, ()),
            (closed.state, (gallery,)),
        ):
            with pytest.raises(StoreUnavailable):
                call(*values)
        closed.close()


def test_a_sign_of_life(store):
    store.check()
