"""How the places of an erasure move on: never back, never final with one open, none forgotten."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.gallery.erasure_places import (
    BACKUPS,
    FILES,
    IMAGES,
    LOG,
    OF_REPLICA,
    PRESENT_S,
    ROWS,
    Subject,
    finished,
    has_stopped,
    is_pending,
    new_receipt,
    subject_of,
    with_late_replicas,
    with_place,
    with_replicas,
)
from service.gallery.stores.protocol import ReplicaMark

DAY_S = 86400.0


def begun(now_s=100.0, deadline_s=DAY_S):
    receipt = new_receipt(
        "g1", Subject(identity="p1"), driver="a", now_s=now_s, deadline_s=deadline_s
    )
    return replace(receipt, deleted_seq=7)


def mark(name, forgotten_seq, seen_s=100.0):
    return ReplicaMark(name, 0, 9, forgotten_seq, seen_s)


def marks(*several):
    return {one.replica: one for one in several}


def states(receipt, name):
    return {one.state for one in receipt.places if one.replica == name}


def with_shared_done(receipt):
    for place in (ROWS, FILES):
        receipt = with_place(receipt, place, "erased", now_s=101.0)
    return receipt


def test_a_new_receipt_lists_every_place_and_whom_it_is_about():
    receipt = begun()
    listed = {(one.place, one.replica): one.state for one in receipt.places}
    assert listed == {
        (ROWS, None): "pending",
        (FILES, None): "pending",
        (LOG, None): "never_stored",
        (IMAGES, None): "never_stored",
        (BACKUPS, None): "operator",
        **{(place, "a"): "pending" for place in OF_REPLICA},
    }
    assert subject_of(receipt) == Subject(identity="p1")
    assert (receipt.requested_s, receipt.deadline_s) == (100.0, 100.0 + DAY_S)
    assert receipt.receipt_id != begun().receipt_id


def test_a_place_keeps_the_time_at_which_it_came_into_its_state():
    once = with_place(begun(), ROWS, "erased", now_s=110.0)
    again = with_place(once, ROWS, "erased", now_s=120.0)
    assert again == once
    assert not is_pending(once, ROWS)
    assert is_pending(once, FILES)
    assert [one.at_s for one in once.places if one.place == ROWS] == [110.0]


def test_a_place_that_was_not_listed_is_added():
    added = with_place(begun(), "memory", "pending", now_s=5.0, of_replica="b")
    assert added.places[-1].replica == "b"
    assert len(added.places) == len(begun().places) + 1


@pytest.mark.parametrize(("forgotten_seq", "state"), [(6, "pending"), (7, "erased"), (8, "erased")])
def test_a_replica_confirms_by_having_forgotten_the_last_deletion(forgotten_seq, state):
    heard = with_replicas(begun(), marks(mark("a", forgotten_seq)), now_s=101.0)
    assert states(heard, "a") == {state}


def test_a_replica_that_appears_later_must_confirm_too():
    heard = with_replicas(begun(), marks(mark("a", 7), mark("b", 3)), now_s=101.0)
    assert states(heard, "b") == {"pending"}
    assert finished(with_shared_done(heard), now_s=101.0).state == "erasing"


def test_a_replica_that_stays_away_is_left_to_the_operator_after_the_deadline():
    away = mark("b", 3, seen_s=100.0)
    before = with_replicas(begun(), marks(mark("a", 7), away), now_s=100.0 + DAY_S)
    after = with_replicas(before, marks(mark("a", 7), away), now_s=101.0 + DAY_S)
    assert states(before, "b") == {"pending"}
    assert states(after, "b") == {"operator"}
    assert finished(with_shared_done(after), now_s=1.0).state == "final"


def test_a_replica_that_runs_is_waited_for_beyond_every_deadline():
    late_s = 100.0 + 9 * DAY_S
    runs = mark("b", 3, seen_s=late_s - 1)
    heard = with_replicas(begun(), marks(mark("a", 7), runs), now_s=late_s)
    assert states(heard, "b") == {"pending"}


def test_a_short_deadline_still_gives_a_replica_time_to_say_something():
    quiet = mark("b", 3, seen_s=100.0)
    heard = with_replicas(begun(deadline_s=0.0), marks(quiet), now_s=100.0 + PRESENT_S)
    assert states(heard, "b") == {"pending"}


def test_a_driver_that_never_gave_a_mark_is_waited_for_from_the_request_on():
    assert states(with_replicas(begun(), {}, now_s=101.0), "a") == {"pending"}
    assert states(with_replicas(begun(), {}, now_s=101.0 + DAY_S), "a") == {"operator"}


def test_a_late_replica_that_has_forgotten_is_written_into_the_final_receipt():
    away = mark("b", 3)
    final = with_replicas(begun(), marks(mark("a", 7), away), now_s=101.0 + DAY_S)
    final = finished(with_shared_done(final), now_s=101.0 + DAY_S)
    back = with_late_replicas(final, marks(mark("b", 7), mark("c", 0)), now_s=5 * DAY_S)
    assert states(back, "b") == {"erased"}
    assert states(back, "c") == set()
    assert (back.state, back.final_s) == ("final", final.final_s)
    assert with_late_replicas(final, marks(mark("b", 6)), now_s=5 * DAY_S) == final


@given(st.lists(st.sampled_from(["pending", "erased", "never_stored", "operator"]), min_size=1))
def test_a_receipt_is_final_exactly_when_no_place_is_pending(chosen):
    receipt = replace(begun(), places=())
    for number, state in enumerate(chosen):
        receipt = with_place(receipt, str(number), state, now_s=1.0)
    ended = finished(receipt, now_s=9.0)
    assert (ended.state == "final") == ("pending" not in chosen)
    assert ended.final_s == (9.0 if ended.state == "final" else None)
    assert finished(ended, now_s=99.0) == ended


def test_who_said_nothing_for_a_minute_has_stopped():
    assert has_stopped(None, now_s=0.0)
    assert not has_stopped(mark("a", 0, seen_s=0.0), now_s=PRESENT_S)
    assert has_stopped(mark("a", 0, seen_s=0.0), now_s=PRESENT_S + 1)
