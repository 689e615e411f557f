"""Rows are deleted only while they are what was found, and nothing new is missed."""

import pytest

from service.gallery.filter_tree import EVERYTHING, Equals
from service.gallery.gallery_errors import SeqConflict
from service.gallery.guarded_changes import delete_found, found_in
from tests.forgetting import held, person, put
from tests.log_follower import LogFollower


def of_p1(view):
    return found_in(view, Equals("identity", ("p1",)))


def delete(store, info, find=of_p1, **options):
    return delete_found(store, info.gallery_id, LogFollower(store, info), find, **options)


def test_what_is_found_is_deleted_and_the_rest_stays(store, info):
    put(store, info, person("t1", "p1"), person("t2", "p2"), person("t3", "p1"))
    deleted = delete(store, info)
    assert (deleted.tracklets, deleted.complete) == (2, True)
    assert held(store, info) == ["t2"]
    assert delete(store, info).tracklets == 0


def test_more_rows_than_one_batch_takes_are_all_deleted(store, info):
    for start in range(0, 600, 200):
        put(store, info, *(person(f"t{n:03}", "p1") for n in range(start, start + 200)))
    assert delete(store, info).tracklets == 600
    assert held(store, info) == []


def test_a_row_replaced_meanwhile_is_decided_anew(store, info):
    put(store, info, person("t1", "p1"), person("t2", "p1"))
    rounds = []

    def find(view):
        found = of_p1(view)
        if not rounds:
            put(store, info, person("t1", "p2"))
        rounds.append(found)
        return found

    deleted = delete(store, info, find)
    assert (deleted.tracklets, deleted.complete) == (1, True)
    assert held(store, info) == ["t1"]


def test_a_row_of_the_same_person_that_comes_meanwhile_is_found_in_the_next_round(store, info):
    put(store, info, person("t1", "p1"))
    rounds = []

    def find(view):
        found = of_p1(view)
        if not rounds:
            put(store, info, person("t1", "p1"), person("t9", "p1"))
        rounds.append(found)
        return found

    assert delete(store, info, find).tracklets == 2
    assert held(store, info) == []


def test_rows_that_are_replaced_without_end_end_the_attempt(store, info):
    put(store, info, person("t1", "p1"))

    def find(view):
        found = of_p1(view)
        put(store, info, person("t1", "p1"))
        return found

    deleted = delete(store, info, find, most_rounds=3)
    assert (deleted.tracklets, deleted.complete) == (0, False)
    assert held(store, info) == ["t1"]


def test_a_conflict_names_what_held_so_that_the_others_go(store, info):
    seq = put(store, info, person("t1", "p1"), person("t2", "p1"))
    put(store, info, person("t1", "p1"))
    with pytest.raises(SeqConflict):
        put(store, info, person("t1", "p1", if_seq=seq))
    stale = [("t1", seq), ("t2", seq)]
    found = [stale, []]
    assert delete(store, info, lambda view: found.pop(0)).tracklets == 1
    assert held(store, info) == ["t1"]


def test_an_expired_row_is_found_and_a_found_row_is_an_id_with_its_seq(store, info):
    seq = put(store, info, person("t1", "p1"), person("t2", "p2", expires_s=1.0))
    follower = LogFollower(store, info)
    follower.catch_up(5)
    assert found_in(follower.view(), EVERYTHING) == [("t1", seq), ("t2", seq)]


def test_the_write_up_to_which_was_looked_is_told(store, info):
    put(store, info, person("t1", "p1"))
    assert delete(store, info).seq == store.state(info.gallery_id).seq
