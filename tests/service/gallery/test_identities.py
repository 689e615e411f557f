import threading
from dataclasses import replace

import numpy as np
import pytest

from service.errors import Conflict, InvalidIdentifier, InvalidInput
from service.gallery.erasure_places import Subject, new_receipt
from service.gallery.gallery_errors import IdentityBeingErased, IdentityNotFound, TrackletNotFound
from service.gallery.identities import merge, reassign, rename, split
from service.gallery.records import TrackletMetadata
from service.gallery.stores.batch import Batch, Upsert
from tests.gallery_rows import embedding_of, kept
from tests.open_galleries import put, who


@pytest.fixture
def people(gallery):
    """Tracklets a and b of `p`, c of `q`, d of nobody known."""
    put(gallery, "a", "b", identity="p", camera="c1", start_s=1.0, expires_s=9e9)
    put(gallery, "c", identity="q", seed=5)
    put(gallery, "d", seed=6)
    return gallery


def test_a_renamed_identity_keeps_everything_but_its_name(people):
    before = {row.record.tracklet_id: row.record for row in people.rows(["a", "b"])}
    moved = rename(people, "p", "new")
    assert (moved.tracklets, moved.visible) == (2, True)
    assert who(people) == {"a": "new", "b": "new", "c": "q", "d": None}
    for row in people.rows(["a", "b"]):
        old = before[row.record.tracklet_id]
        assert row.record.embedding.tobytes() == old.embedding.tobytes()
        assert row.record.enrolled_s == old.enrolled_s
        assert row.record.metadata.expires_s == 9e9
        assert row.record.metadata.camera == "c1"
        assert row.record.seq > old.seq
    assert people.view().state.seq == moved.seq


def test_a_name_that_another_has_is_refused_and_nothing_is_changed(people):
    seq = people.store.state(people.gallery_id).seq
    with pytest.raises(Conflict, match=r"no identity of the gallery has, received 'q'; merge"):
        rename(people, "p", "q")
    assert people.store.state(people.gallery_id).seq == seq


def test_merging_takes_all_into_one_which_may_be_one_of_them(people):
    assert merge(people, ["p", "q"], "q").tracklets == 2
    assert who(people) == {"a": "q", "b": "q", "c": "q", "d": None}
    assert merge(people, ["q"], "all").tracklets == 3


def test_splitting_takes_some_tracklets_to_a_new_name_and_may_be_repeated(people):
    for _ in range(2):
        split(people, "p", ["b"], "other")
        assert who(people) == {"a": "p", "b": "other", "c": "q", "d": None}


@pytest.mark.parametrize(
    ("names", "to", "error", "message"),
    [
        (["a", "c"], "x", TrackletNotFound, r"a tracklet of identity 'p', received 'c'"),
        (["a", "nobody"], "x", TrackletNotFound, r"received 'nobody'; leave it out"),
        (["a"], "q", Conflict, r"received 'q'; reassign"),
        (["a/b"], "x", InvalidIdentifier, "a tracklet id of 1 to 200"),
        (["a"], "", InvalidIdentifier, "an? identity of 1 to 200"),
        ([], "x", InvalidInput, "1 to 1000 names in one request, received 0"),
        (["a"] * 1001, "x", InvalidInput, "received 1001; split"),
    ],
)
def test_an_impossible_split_changes_nothing(people, names, to, error, message):
    with pytest.raises(error, match=message):
        split(people, "p", names, to)
    assert who(people) == {"a": "p", "b": "p", "c": "q", "d": None}


def test_tracklets_are_reassigned_to_anybody_and_to_nobody(people):
    assert reassign(people, ["a", "d"], "q").tracklets == 2
    assert reassign(people, ["c", "a"], None).tracklets == 2
    assert who(people) == {"a": None, "b": "p", "c": None, "d": "q"}
    with pytest.raises(TrackletNotFound, match=r"the id of an enrolled tracklet, received 'x'"):
        reassign(people, ["a", "x"], "q")


@pytest.mark.parametrize("change", [lambda g: rename(g, "x", "y"), lambda g: merge(g, ["x"], "p")])
def test_an_unknown_identity_cannot_be_changed(people, change):
    with pytest.raises(IdentityNotFound, match="an identity of at least one tracklet"):
        change(people)


def test_an_identity_that_is_being_erased_gets_away_under_no_other_name(people):
    people.store.begin_erasure(
        new_receipt(
            people.gallery_id, Subject(identity="p"), driver="one", now_s=1.0, deadline_s=60.0
        )
    )
    for change in (
        lambda: rename(people, "p", "new"),
        lambda: merge(people, ["p"], "q"),
        lambda: reassign(people, ["a"], None),
        lambda: reassign(people, ["d"], "p"),
    ):
        with pytest.raises(IdentityBeingErased):
            change()
    assert who(people) == {"a": "p", "b": "p", "c": "q", "d": None}


def test_a_tracklet_that_is_being_erased_does_not_get_away_as_a_later_write(people):
    receipt = new_receipt(
        people.gallery_id, Subject(tracklet_id="a"), driver="one", now_s=1.0, deadline_s=60.0
    )
    held = people.store.state(people.gallery_id).seq
    for erasing in (receipt, replace(receipt, upto_seq=held)):
        people.store.save_receipt(erasing)
        for change in (
            lambda: rename(people, "p", "new"),
            lambda: reassign(people, ["a"], "q"),
        ):
            with pytest.raises(IdentityBeingErased) as caught:
                change()
    assert str(caught.value) == (
        "expected an identity or a tracklet that is not being erased, received one that is; "
        "wait until its erasure is final"
    )
    assert who(people) == {"a": "p", "b": "p", "c": "q", "d": None}
    put(people, "a", identity="p")
    assert reassign(people, ["a"], "q").tracklets == 1, "that one was enrolled afterwards"


def test_many_tracklets_move_in_many_writes(gallery):
    names = [f"t{number:03}" for number in range(300)]
    for start in (0, 150):
        put(gallery, *names[start : start + 150], identity="p")
    assert rename(gallery, "p", "q").tracklets == 300
    assert set(who(gallery).values()) == {"q"}


def test_what_is_enrolled_again_meanwhile_keeps_its_new_embedding(gallery):
    names = [f"t{number}" for number in range(20)]
    put(gallery, *names, identity="p")
    written = {}

    def enroll_again():
        for turn in range(30):
            name = names[turn % 20]
            put(gallery, name, identity="p", seed=100 + turn)
            written[name] = 100 + turn

    thread = threading.Thread(target=enroll_again)
    thread.start()
    target = "q"
    while thread.is_alive():
        try:
            merge(gallery, ["p"], target)
        except (IdentityNotFound, Conflict):
            continue
    thread.join()
    for row in gallery.rows(names):
        expected = written.get(row.record.tracklet_id)
        assert expected is not None
        np.testing.assert_array_equal(row.record.embedding, kept(embedding_of(expected)))


def test_a_row_that_is_replaced_before_it_is_moved_is_moved_as_it_then_is(gallery, monkeypatch):
    put(gallery, "a", identity="p", camera="old")
    write, raced = gallery.store.write, []

    def racing(gallery_id, batch):
        if not raced:
            raced.append(True)
            known = TrackletMetadata(identity="p", camera="new")
            write(gallery_id, Batch((Upsert("a", embedding_of(9), known),)))
        return write(gallery_id, batch)

    monkeypatch.setattr(gallery.store, "write", racing)
    assert rename(gallery, "p", "q").tracklets == 1
    (row,) = gallery.rows(["a"])
    assert (row.record.metadata.identity, row.record.metadata.camera) == ("q", "new")
    np.testing.assert_array_equal(row.record.embedding, kept(embedding_of(9)))


def test_an_identity_is_not_merged_into_itself(people):
    with pytest.raises(InvalidInput) as caught:
        merge(people, ["p", "p"], "p")
    assert caught.value.expected == "an identity other than the one that it is merged into"
    assert caught.value.received == "'p' alone"
    assert caught.value.remedy == "name those that are to become it"
