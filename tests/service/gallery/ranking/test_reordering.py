import numpy as np
import pytest

from service.gallery.index.view import Hit
from service.gallery.ranking.grouping import Group
from service.gallery.ranking.reordering import (
    group_key,
    reordered,
    reranked_values,
    tracklet_key,
)
from service.gallery.ranking.reranking import Reranking, reranked
from service.gallery.records import TrackletMetadata
from tests.ranked_rows import unit, view_of


def hit(name, similarity, identity=None) -> Hit:
    return Hit(name, TrackletMetadata(identity), similarity, 1)


HITS = [hit("a", 0.9, "p"), hit("b", 0.8, "q"), hit("c", 0.7, "p"), hit("d", 0.6)]


def names(found, values, *, key):
    groups = [Group(each.similarity, each, 1) for each in found]
    ordered = reordered(groups, HITS[: len(values)], values, key=key)
    return [(each.group.best.tracklet_id, each.value) for each in ordered]


def test_tracklets_come_by_their_value_and_the_others_follow_in_their_order():
    ordered = names(HITS, [0.1, 0.5], key=tracklet_key)
    assert ordered == [("b", 0.5), ("a", 0.1), ("c", None), ("d", None)]


def test_a_value_of_nothing_still_comes_before_none():
    assert names(HITS, [0.0], key=tracklet_key)[0] == ("a", 0.0)
    assert names(HITS[::-1], [0.0], key=tracklet_key)[0] == ("a", 0.0)


def test_an_identity_is_worth_its_best_tracklet():
    groups = [HITS[0], HITS[1], HITS[3]]
    ordered = names(groups, [0.1, 0.5, 0.7, 0.2], key=group_key)
    assert ordered == [("a", 0.7), ("b", 0.5), ("d", 0.2)]
    assert names(groups, [0.7, 0.5, 0.1, 0.2], key=group_key) == ordered


def test_of_equal_worth_the_more_similar_comes_first():
    ordered = names(HITS, [0.5, 0.5, 0.5, 0.5], key=tracklet_key)
    assert [name for name, _ in ordered] == ["a", "b", "c", "d"]


def test_a_tracklet_without_identity_is_no_identity_of_its_name():
    assert group_key(hit("p", 1)) != group_key(hit("x", 1, "p"))
    assert group_key(hit("p", 1, "q")) == group_key(hit("x", 1, "q"))


def test_the_values_are_those_of_the_rows_in_the_order_of_the_hits():
    rows = {
        f"t{number}": (unit(np.random.default_rng(number).normal(size=4)), TrackletMetadata())
        for number in range(9)
    }
    view, query = view_of(rows), unit([1, 0, 0, 0])
    order = ["t3", "t1", "t8", "t0"]
    expected = reranked(query, np.stack([rows[name][0] for name in order]), Reranking(k1=2, k2=1))
    values = reranked_values(view, query, [hit(name, 0.5) for name in order], Reranking(k1=2, k2=1))
    assert values == pytest.approx(expected.tolist())
