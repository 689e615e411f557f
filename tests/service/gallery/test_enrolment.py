import numpy as np
import pytest

from service.errors import InvalidEmbedding, InvalidIdentifier, InvalidInput
from service.gallery.enrolment import BatchRequest, Enrolment, enroll_each, write_batch
from service.gallery.erasure_places import Subject, new_receipt
from service.gallery.gallery_errors import IdentityBeingErased, SeqConflict, StoreUnavailable
from service.gallery.records import TrackletMetadata
from service.gallery.stores.protocol import GallerySpec
from tests.gallery_rows import DIMENSION, MODEL, NOTHING_KNOWN, embedding_of, kept
from tests.open_galleries import new_gallery, put, who


def enrolment(name, seed=1, **more):
    return Enrolment(name, embedding_of(seed), NOTHING_KNOWN, **more)


def of(name, identity):
    return Enrolment(name, embedding_of(1), TrackletMetadata(identity=identity))


def test_a_batch_is_one_write_in_order(gallery):
    put(gallery, "old", "gone")
    done = write_batch(
        gallery, BatchRequest((enrolment("new"), enrolment("old", 2)), ("gone", "never"))
    )
    assert done.outcomes == ("created", "replaced", "deleted", "absent")
    assert gallery.store.state(gallery.gallery_id).seq == done.seq == 2
    assert sorted(who(gallery)) == ["new", "old"]


@pytest.mark.parametrize(
    ("enroll", "delete", "error", "message"),
    [
        ([enrolment("a/b")], [], InvalidIdentifier, "a tracklet id of 1 to 200"),
        ([enrolment("b")], ["x" * 10**6], InvalidIdentifier, "received 1000000 characters"),
        ([enrolment("a\0b")], [], InvalidIdentifier, "cannot be printed"),
        ([enrolment("a"), enrolment("a", 2)], [], InvalidInput, "each tracklet id once"),
        ([enrolment("a")], ["a"], InvalidInput, "received 'a' twice"),
        (
            [Enrolment("a", np.full(DIMENSION, np.inf, np.float32), NOTHING_KNOWN)],
            [],
            InvalidEmbedding,
            "4 values that are not finite",
        ),
        (
            [Enrolment("a", np.zeros(DIMENSION, np.float32), NOTHING_KNOWN)],
            [],
            InvalidEmbedding,
            "a vector of length 0",
        ),
        (
            [Enrolment("a", np.ones(DIMENSION + 1, np.float32), NOTHING_KNOWN)],
            [],
            InvalidEmbedding,
            r"shape \[5\]",
        ),
        ([enrolment("b"), enrolment("a", if_seq=7)], [], SeqConflict, "'a' is at 0"),
        ([], [], InvalidInput, "1 to 256 changes in one write, received 0"),
        ([enrolment(str(n)) for n in range(257)], [], InvalidInput, "received 257"),
    ],
)
def test_a_batch_that_cannot_be_done_whole_changes_nothing(gallery, enroll, delete, error, message):
    with pytest.raises(error, match=message):
        write_batch(gallery, BatchRequest(tuple(enroll), tuple(delete)))
    assert gallery.store.state(gallery.gallery_id).seq == 0


def test_each_that_can_be_enrolled_is_by_one_write_and_the_others_are_told(gallery):
    put(gallery, "old")
    done = enroll_each(
        gallery,
        [
            enrolment("a"),
            Enrolment("nan", np.full(DIMENSION, np.nan, np.float32), NOTHING_KNOWN),
            enrolment("old", 2),
            enrolment("..", 2),
            enrolment("conflict", if_seq=3),
            enrolment("z", if_seq=0),
        ],
    )
    assert [one.tracklet_id for one in done] == ["a", "nan", "old", "..", "conflict", "z"]
    assert [one.outcome for one in done] == ["created", None, "replaced", None, None, "created"]
    assert [type(one.error) for one in done if one.error] == [
        InvalidEmbedding,
        InvalidIdentifier,
        SeqConflict,
    ]
    assert {one.seq for one in done if one.outcome} == {2}
    assert all(one.visible for one in done if one.outcome)
    assert sorted(who(gallery)) == ["a", "old", "z"]
    assert "'conflict' is at 0" in str(done[4].error)


def test_only_who_is_being_erased_is_refused(gallery):
    gallery.store.begin_erasure(
        new_receipt(
            gallery.gallery_id, Subject(identity="p3"), driver="one", now_s=1.0, deadline_s=60.0
        )
    )
    done = enroll_each(gallery, [of(f"t{n}", f"p{n % 5}") for n in range(20)])
    refused = [one for one in done if one.error]
    assert [one.tracklet_id for one in refused] == ["t3", "t8", "t13", "t18"]
    assert all(isinstance(one.error, IdentityBeingErased) for one in refused)
    assert len(who(gallery)) == 16


def test_a_store_that_refuses_refuses_all(gallery, monkeypatch):
    def broken(*_):
        raise StoreUnavailable(expected="a store", received="none", remedy="wait")

    monkeypatch.setattr(gallery.store, "write", broken)
    done = enroll_each(gallery, [enrolment("a"), enrolment("b")])
    assert [type(one.error) for one in done] == [StoreUnavailable, StoreUnavailable]


def test_a_full_gallery_takes_no_part_of_a_chunk(catalogue):
    gallery = new_gallery(catalogue, GallerySpec(MODEL, max_tracklets=2))
    done = enroll_each(gallery, [enrolment(name) for name in "abc"])
    assert {one.error.code for one in done} == {"capacity_exceeded"}
    assert who(gallery) == {}
    assert [one.outcome for one in enroll_each(gallery, [enrolment("a")])] == ["created"]


def test_nothing_to_enroll_is_no_write(gallery):
    assert enroll_each(gallery, []) == []
    assert enroll_each(gallery, [enrolment("..")])[0].outcome is None
    assert gallery.store.state(gallery.gallery_id).seq == 0


def test_what_was_exported_is_kept_to_the_last_bit_and_other_lengths_are_made_one():
    exported = kept(embedding_of(3))
    moved = Enrolment("a", exported, NOTHING_KNOWN, enrolled_s=5.0).checked(DIMENSION)
    assert moved.embedding.tobytes() == exported.tobytes()
    assert moved.enrolled_s == 5.0
    long = Enrolment("a", exported * 3, NOTHING_KNOWN, enrolled_s=5.0).checked(DIMENSION)
    assert np.linalg.norm(long.embedding) == pytest.approx(1, abs=1e-6)
    plain = Enrolment("a", exported, NOTHING_KNOWN).checked(DIMENSION)
    assert np.linalg.norm(plain.embedding.astype(np.float64)) == pytest.approx(1, abs=1e-7)
