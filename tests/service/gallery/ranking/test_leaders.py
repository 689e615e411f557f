import math

import numpy as np
import pytest
from hypothesis import given, settings

from service.gallery.ranking.decision import Leaders
from service.gallery.ranking.reranking import Reranking
from service.gallery.ranking.search import SearchOptions, search_tracklet, search_view
from service.gallery.records import TrackletMetadata
from tests.ranked_rows import NOW_S, cosine, embeddings, rows_by_id, unit, view_of

EVERY_WAY = [
    SearchOptions(top_k=12),
    SearchOptions(top_k=1),
    SearchOptions(top_k=2, min_similarity=1.0),
    SearchOptions(top_k=3, max_per_camera=1),
    SearchOptions(top_k=2, rerank=Reranking(first=5, k1=2, k2=1)),
    SearchOptions(top_k=1, group_by="identity"),
    SearchOptions(top_k=2, group_by="identity", group_mode="mean"),
    SearchOptions(top_k=1, group_by="identity", group_mode="top-m", group_top_m=2),
]


def leaders_by_hand(rows, query, tree, *, without=None) -> Leaders:
    found = sorted(
        (-cosine(embedding, query), name, metadata.identity)
        for name, (embedding, metadata) in rows.items()
        if name != without
        and tree.matches(name, metadata)
        and (metadata.expires_s or math.inf) > NOW_S
    )
    if not found:
        return Leaders(None, None)
    nearest, _, own = found[0]
    rivals = [-negative for negative, _, identity in found if identity not in {None, own}]
    return Leaders(-nearest, rivals[0] if rivals and own is not None else None)


@settings(max_examples=60)
@given(rows_by_id, embeddings)
def test_leaders_are_the_same_however_the_answer_is_ranked_and_cut(rows, query):
    view = view_of(rows)
    for options in EVERY_WAY:
        found = search_view(view, query, options, now_s=NOW_S)
        assert found.leaders == leaders_by_hand(rows, query, options.tree())


def crowd(*people: str | None) -> dict:
    """A row each, the first the most similar to (1, 0, 0, 0)."""
    return {
        f"t{place}": (unit([10, place, 0, 0]), TrackletMetadata(person, "c0", None, None, {}, None))
        for place, person in enumerate(people)
    }


QUERY = unit([1, 0, 0, 0])
FIRST = SearchOptions(top_k=1)


def margin(rows, options=FIRST):
    leaders = search_view(view_of(rows), QUERY, options, now_s=NOW_S).leaders
    return leaders, leaders_by_hand(rows, QUERY, options.tree())


def test_a_rival_behind_many_tracklets_of_the_nearest_is_found():
    leaders, expected = margin(crowd(*["a"] * 9, "b"))
    assert leaders == expected
    assert leaders.second == pytest.approx(cosine(unit([10, 9, 0, 0]), QUERY))


def test_a_tracklet_without_identity_is_nobodys_rival_and_has_none():
    assert margin(crowd("a", None, None))[0].second is None
    assert margin(crowd(None, "a", "b"))[0].second is None


def test_a_filter_leaves_rivals_out():
    only_a = SearchOptions(top_k=1, exclude_ids=("t1",))
    assert margin(crowd("a", "b"), only_a)[0].second is None


def test_an_enrolled_tracklet_is_not_its_own_leader():
    rows = crowd("a", "a", "b")
    found = search_tracklet(view_of(rows), "t0", SearchOptions(), now_s=NOW_S)
    query = np.asarray(rows["t0"][0])
    assert found.leaders == leaders_by_hand(rows, query, SearchOptions().filter, without="t0")
    assert found.leaders.nearest < 1
