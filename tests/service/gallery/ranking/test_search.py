from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.errors import InvalidIdentifier, InvalidQuery
from service.gallery.filter_tree import AnyOf, Equals, Not
from service.gallery.gallery_errors import TrackletNotFound
from service.gallery.ranking.reranking import Reranking
from service.gallery.ranking.search import SearchOptions, search_tracklet, search_view
from service.gallery.ranking.topology import Topology, Transit
from service.gallery.records import TrackletMetadata
from tests.ranked_rows import (
    NOW_S,
    embeddings,
    index_of,
    intact,
    intervals,
    matches_by_hand,
    rows_by_id,
    tracklet_ids,
    unit,
    view_of,
)

TOPOLOGY = Topology((Transit("c0", "c1", 1, 3), Transit("c2", "c0", -1, 2)))
PLAIN = SearchOptions(top_k=1)

filters = st.sampled_from(
    [
        SearchOptions().filter,
        Equals("camera", ("c0", "c9")),
        Not(Equals("identity", ("p0",))),
        AnyOf((Equals("tracklet_id", ("t1", "t2", "t3")), Equals("identity", ("p1", "t3")))),
    ]
)


@st.composite
def options(draw) -> SearchOptions:
    by = draw(st.sampled_from(["tracklet", "identity"]))
    return SearchOptions(
        top_k=draw(st.integers(1, 12)),
        filter=draw(filters),
        query_camera=draw(st.sampled_from(["c0", "c1"])),
        query_interval_s=draw(intervals.filter(lambda interval: interval[0] is not None)),
        exclude_same_camera=draw(st.booleans()),
        exclude_ids=tuple(draw(st.sets(tracklet_ids, max_size=2))),
        topology=draw(st.none() | st.just(TOPOLOGY)),
        min_similarity=draw(st.none() | st.sampled_from([-1.0, 0.0, 0.5, 1.0])),
        group_by=by,
        group_mode=draw(st.sampled_from(["max", "mean", "top-m"])) if by == "identity" else "max",
        group_top_m=draw(st.integers(1, 4)),
        max_per_camera=draw(st.none() | st.integers(1, 2)) if by == "tracklet" else None,
    )


def answered(result):
    return [(match.tracklet_id, match.similarity, match.tracklets) for match in result.matches]


@settings(max_examples=200)
@given(rows_by_id, embeddings, options())
def test_every_search_equals_the_one_by_hand(rows, query, asked):
    result = search_view(view_of(rows), query, asked, now_s=NOW_S)
    expected = matches_by_hand(rows, query, asked, asked.tree())
    assert answered(result) == expected[: asked.top_k]
    assert result.truncated == (len(expected) > asked.top_k)
    assert [match.rank for match in result.matches] == list(range(1, len(result.matches) + 1))
    assert result.exact
    assert result.complete
    assert result.tier == "exact"
    assert result.seq == len(rows)
    assert all(match.reranked is None for match in result.matches)
    assert all(match.metadata == rows[match.tracklet_id][1] for match in result.matches)


@given(rows_by_id, embeddings, options())
def test_searched_counts_those_who_are_eligible(rows, query, asked):
    every = replace(asked, group_by="tracklet", group_mode="max", min_similarity=None)
    eligible = matches_by_hand(rows, query, replace(every, max_per_camera=None), asked.tree())
    assert search_view(view_of(rows), query, asked, now_s=NOW_S).searched == len(eligible)


@given(rows_by_id.filter(bool), options(), st.data())
def test_a_tracklet_asks_with_its_own_camera_and_time_and_does_not_find_itself(rows, asked, data):
    name = data.draw(st.sampled_from(sorted(rows)))
    embedding, metadata = rows[name]
    view = view_of(rows)
    if metadata.expires_s is not None and metadata.expires_s <= NOW_S:
        with pytest.raises(TrackletNotFound):
            search_tracklet(view, name, asked, now_s=NOW_S)
        return
    known = replace(
        asked,
        query_camera=metadata.camera or asked.query_camera,
        query_interval_s=metadata.interval_s() or asked.query_interval_s,
    )
    others = {other: row for other, row in rows.items() if other != name}
    expected = matches_by_hand(others, embedding, known, known.tree())
    result = search_tracklet(view, name, asked, now_s=NOW_S)
    assert answered(result) == expected[: asked.top_k]


@given(rows_by_id, embeddings, options())
def test_identities_merged_by_a_write_are_one_group(rows, query, asked):
    asked = replace(asked, group_by="identity", max_per_camera=None)
    index = index_of(rows)
    merged = {
        name: (embedding, replace(metadata, identity="p0"))
        for name, (embedding, metadata) in rows.items()
        if metadata.identity == "p1"
    }
    seq = len(rows) + 1
    written = [intact(name, row, seq) for name, row in merged.items()]
    index.apply(written, [], seq=seq, chain="c")
    expected = matches_by_hand(rows | merged, query, asked, asked.tree())
    result = search_view(index.view, query, asked, now_s=NOW_S)
    assert answered(result) == expected[: asked.top_k]


ONE = unit([1, 0, 0, 0])


@pytest.mark.parametrize("name", ["unknown", "t0"])
def test_who_is_not_held_cannot_ask(name):
    view = view_of({"t0": (ONE, TrackletMetadata(expires_s=NOW_S))})
    with pytest.raises(TrackletNotFound) as refused:
        search_tracklet(view, name, PLAIN, now_s=NOW_S)
    assert str(refused.value) == (
        f"expected the id of an enrolled tracklet, received '{name}'; "
        "enroll it first, or search by frames"
    )


@pytest.mark.parametrize("name", ["top_k", "max_per_camera"])
@pytest.mark.parametrize("number", [0, -1])
def test_to_look_for_nothing_is_refused(name, number):
    with pytest.raises(InvalidQuery) as refused:
        SearchOptions(**{name: number})
    assert str(refused.value) == (
        f"expected `{name}` of at least 1, received {number}; ask for more"
    )


@pytest.mark.parametrize("least", [1.01, -1.01, float("nan")])
def test_a_similarity_that_none_can_have_is_refused(least):
    with pytest.raises(InvalidQuery) as refused:
        SearchOptions(min_similarity=least)
    assert str(refused.value) == (
        f"expected `min_similarity` from -1 to 1, received {least}; correct it, or leave it out"
    )


def test_a_limit_per_camera_of_identities_is_refused():
    with pytest.raises(InvalidQuery) as refused:
        SearchOptions(max_per_camera=1, group_by="identity")
    assert str(refused.value) == (
        "expected `max_per_camera` with `group_by` tracklet, received `group_by` identity, whose "
        "matches have no one camera; leave one of them out"
    )


def test_more_matches_than_there_are_rows_are_no_error():
    view = view_of({"t0": (ONE, TrackletMetadata())})
    result = search_view(view, ONE, SearchOptions(top_k=10**9), now_s=NOW_S)
    assert answered(result) == [("t0", 1.0, 1)]
    assert not result.truncated


def test_the_least_similarity_is_itself_included():
    view = view_of({"t0": (ONE, TrackletMetadata())})
    assert answered(search_view(view, ONE, SearchOptions(min_similarity=1.0), now_s=NOW_S))
    aside = unit([0, 1, 0, 0])
    assert answered(search_view(view, aside, SearchOptions(min_similarity=0.0), now_s=NOW_S))


def test_the_time_of_an_enrolled_query_is_its_own():
    topology = Topology((Transit("c0", "c1", 10, 20),), "impossible")
    rows = {
        "query": (ONE, TrackletMetadata(camera="c0", start_s=0, end_s=100)),
        "later": (ONE, TrackletMetadata(camera="c1", start_s=115, end_s=120)),
        "sooner": (ONE, TrackletMetadata(camera="c1", start_s=15, end_s=20)),
    }
    asked = SearchOptions(topology=topology, query_camera="c1", query_interval_s=(0.0, 0.0))
    result = search_tracklet(view_of(rows), "query", asked, now_s=NOW_S)
    assert answered(result) == [("later", 1.0, 1)]


def test_re_ranking_lifts_nobody_into_the_answer_from_behind_it():
    """The nearest row is of the second group by mean, which is looked at only for `truncated`."""
    rows = {
        "a": (unit([0.9, 0.44, 0, 0]), TrackletMetadata(identity="p")),
        "b": (unit([0.95, 0.31, 0, 0]), TrackletMetadata(identity="q")),
        "c": (unit([0.5, 0, 0.86, 0]), TrackletMetadata(identity="q")),
    }
    asked = SearchOptions(
        top_k=1, group_by="identity", group_mode="mean", rerank=Reranking(first=1)
    )
    result = search_view(view_of(rows), ONE, asked, now_s=NOW_S)
    assert [match.tracklet_id for match in result.matches] == ["a"]
    assert result.truncated


def test_the_options_check_their_ids_and_camera():
    for wrong in ({"exclude_ids": ("a/b",)}, {"query_camera": ""}):
        with pytest.raises(InvalidIdentifier):
            SearchOptions(**wrong)
    with pytest.raises(InvalidQuery, match="an average of the 1 to 100 most similar tracklets"):
        SearchOptions(group_top_m=0)


REFERENCE = {
    f"t{number}": (
        unit(np.random.default_rng(number).normal(loc=(3, 0, 0, 0))),
        TrackletMetadata(identity=f"p{number % 4}" if number % 5 else None),
    )
    for number in range(30)
}


@pytest.mark.parametrize("group_by", ["tracklet", "identity"])
@pytest.mark.parametrize("top_k", [1, 5, 40])
def test_re_ranking_reorders_the_answer_and_keeps_raw_similarities(group_by, top_k):
    view = view_of(REFERENCE)
    plain = SearchOptions(top_k=40, group_by=group_by, min_similarity=0.5)
    raw = answered(search_view(view, ONE, plain, now_s=NOW_S))
    asked = replace(plain, top_k=top_k, rerank=Reranking(first=12, k1=4, k2=2))
    result = search_view(view, ONE, asked, now_s=NOW_S)
    pool = raw[: max(12, top_k)]
    assert set(answered(result)) <= set(pool)
    assert len(result.matches) == min(top_k, len(pool))
    values = [match.reranked for match in result.matches]
    known = [value for value in values if value is not None]
    assert values[: len(known)] == sorted(known, reverse=True)
    assert all(match.similarity >= 0.5 for match in result.matches)
    assert result.truncated == (len(raw) > top_k)
    if top_k == 40:
        unmoved = [found for found in answered(result) if found in pool[12:]]
        assert group_by == "identity" or unmoved == pool[12:]
