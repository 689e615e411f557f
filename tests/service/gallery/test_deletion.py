import threading

import pytest

from service.errors import Conflict, InvalidIdentifier
from service.gallery.deletion import delete_chosen, delete_identity, delete_one
from service.gallery.filter_tree import EVERYTHING, Equals, Overlaps
from service.gallery.gallery_errors import (
    IdempotencyConflict,
    IdentityNotFound,
    SeqConflict,
    TrackletNotFound,
)
from service.gallery.stores.batch import IdempotencyKey
from tests.open_galleries import put, who


def test_one_tracklet_is_deleted_once(gallery):
    put(gallery, "a", "b")
    done = delete_one(gallery, "a")
    assert (done.outcomes, done.visible) == (("deleted",), True)
    assert list(who(gallery)) == ["b"]
    with pytest.raises(TrackletNotFound, match=r"id of an enrolled tracklet, received 'a'; list"):
        delete_one(gallery, "a")
    with pytest.raises(InvalidIdentifier):
        delete_one(gallery, "a/b")


def test_a_deletion_may_demand_what_it_saw(gallery):
    seq = put(gallery, "a")
    with pytest.raises(SeqConflict):
        delete_one(gallery, "a", if_seq=seq + 1)
    delete_one(gallery, "a", if_seq=seq)
    assert who(gallery) == {}


def test_a_repeated_deletion_is_answered_and_not_done_again(gallery):
    put(gallery, "a")
    key = IdempotencyKey("k", "delete a")
    first = delete_one(gallery, "a", idempotency=key)
    put(gallery, "a")
    again = delete_one(gallery, "a", idempotency=key)
    assert (again.seq, again.repeated) == (first.seq, True)
    assert list(who(gallery)) == ["a"]
    with pytest.raises(IdempotencyConflict):
        delete_one(gallery, "a", idempotency=IdempotencyKey("k", "another"))


def test_an_identity_is_deleted_with_all_its_tracklets_expired_ones_too(gallery):
    put(gallery, "a", "b", identity="p")
    put(gallery, "old", identity="p", expires_s=1.0)
    put(gallery, "c", identity="q")
    deleted = delete_identity(gallery, "p")
    assert deleted.tracklets == 3
    assert list(who(gallery)) == ["c"]
    assert gallery.rows(["a", "b", "old"]) == [None, None, None]
    assert gallery.view().state.seq >= deleted.seq
    with pytest.raises(IdentityNotFound, match=r"an identity of at least one tracklet, received"):
        delete_identity(gallery, "p")


def test_a_filter_chooses_and_nothing_chosen_is_no_error(gallery):
    put(gallery, "early", start_s=1.0, end_s=2.0)
    put(gallery, "late", start_s=5.0, end_s=6.0)
    assert delete_chosen(gallery, Overlaps(0.0, 3.0)).tracklets == 1
    assert list(who(gallery)) == ["late"]
    assert delete_chosen(gallery, Equals("camera", ("nowhere",))).tracklets == 0


def test_more_than_one_write_holds_are_deleted(gallery):
    for start in range(0, 600, 200):
        put(gallery, *(f"t{number}" for number in range(start, start + 200)))
    assert delete_chosen(gallery, EVERYTHING).tracklets == 600
    assert gallery.store.state(gallery.gallery_id).tracklets == 0


def test_who_enrolls_faster_than_can_be_deleted_is_told(gallery, monkeypatch):
    put(gallery, "a", identity="p")
    original = gallery.replica.catch_up

    def enrolled_meanwhile(timeout_s):
        put(gallery, "b", identity="p")
        return original(timeout_s)

    monkeypatch.setattr(gallery.replica, "catch_up", enrolled_meanwhile)
    with pytest.raises(Conflict, match=r"enrolled again and again; \d+ were deleted; repeat the"):
        delete_identity(gallery, "p")


def test_what_is_enrolled_and_deleted_at_once_ends_as_the_last_write_says(gallery):
    put(gallery, *(f"t{number}" for number in range(30)))
    stop = threading.Event()

    def enroll():
        turn = 0
        while not stop.is_set():
            put(gallery, f"t{turn % 30}", seed=turn)
            turn += 1

    thread = threading.Thread(target=enroll)
    thread.start()
    deleted = 0
    for _ in range(5):
        try:
            deleted += delete_chosen(gallery, EVERYTHING).tracklets
        except Conflict:
            continue
    stop.set()
    thread.join()
    delete_chosen(gallery, EVERYTHING)
    assert who(gallery) == {}
    assert gallery.replica.verify().agrees
