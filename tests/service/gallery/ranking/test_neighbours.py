from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from service.gallery.filter_tree import Equals, Not
from service.gallery.index.approximate_tier import ApproximateTier
from service.gallery.index.planner import SwitchPoints
from service.gallery.ranking import neighbours
from service.gallery.ranking.reranking import Reranking
from service.gallery.ranking.search import SearchOptions, search_tracklet, search_view
from tests.crowds import crowd, crowd_index, questions

NOW_S = 1e6
POINTS = SwitchPoints(exact_max_rows=1000)
QUESTIONS = questions(12)


@pytest.fixture(scope="module")
def index():
    return crowd_index(2500)


@pytest.fixture(scope="module")
def tier(index):
    tier = ApproximateTier(POINTS)
    tier.refresh(lambda: index.view, now_s=NOW_S)
    return tier


def ask(index, query, tier, **options):
    return search_view(index.view, query, SearchOptions(**options), now_s=NOW_S, approximate=tier)


def names(result):
    return [match.tracklet_id for match in result.matches]


@pytest.mark.parametrize("group_by", ["tracklet", "identity"])
@pytest.mark.parametrize("top_k", [1, 10, 40])
def test_the_base_finds_nearly_what_the_scan_finds_and_says_that_it_searched(
    index, tier, group_by, top_k
):
    shared = []
    for query in QUESTIONS:
        result = ask(index, query, tier, group_by=group_by, top_k=top_k)
        exact = ask(index, query, None, group_by=group_by, top_k=top_k)
        assert (result.tier, result.exact) == ("ann", False)
        assert (exact.tier, exact.exact, exact.complete) == ("exact", True, True)
        assert len(result.matches) == len(exact.matches) == top_k
        assert result.searched == exact.searched
        assert result.truncated
        known = {match.tracklet_id: match for match in exact.matches}
        for match in result.matches:
            same = known.get(match.tracklet_id)
            if same is not None:
                assert replace(match, rank=0) == replace(same, rank=0)
        shared.append(len(known.keys() & set(names(result))) / top_k)
    assert np.mean(shared) >= 0.95


def test_only_what_the_base_can_answer_is_left_to_it(index, tier):
    query = QUESTIONS[0]
    for options in (
        {"mode": "exact"},
        {"max_per_camera": 2},
        {"group_by": "identity", "group_mode": "mean"},
        {"group_by": "identity", "group_mode": "top-m"},
        {"filter": Equals("identity", ("p1", "p2"))},
    ):
        result = ask(index, query, tier, **options)
        assert (result.tier, result.exact) == ("exact", True)
        assert result == ask(index, query, None, **options)


def test_a_filter_holds_in_the_base(index, tier):
    for query in QUESTIONS:
        chosen = Not(Equals("camera", ("c0",)))
        result = ask(index, query, tier, filter=chosen, mode="ann", top_k=100)
        assert result.tier == "ann"
        assert "c0" not in {match.metadata.camera for match in result.matches}


def test_identities_are_counted_by_their_eligible_rows(index, tier):
    held = Counter(row[1].identity for row in crowd(2500).values())
    result = ask(index, QUESTIONS[0], tier, group_by="identity")
    assert result.tier == "ann"
    for match in result.matches:
        assert match.tracklets == held[match.metadata.identity]


def test_more_identities_than_there_are_take_the_scan(index, tier, monkeypatch):
    monkeypatch.setattr(neighbours, "_MOST_HITS", 400)
    result = ask(index, QUESTIONS[0], tier, group_by="identity", top_k=90)
    assert result.tier == "exact"


def test_an_answer_whose_last_row_is_as_near_as_its_last_group_is_not_complete(
    index, tier, monkeypatch
):
    """With as many hits as groups, a group just behind the last hit may be as near."""
    monkeypatch.setattr(neighbours, "_HITS_PER_GROUP", 1)
    found = [
        ask(index, query, tier, group_by="identity", top_k=top_k, mode="ann")
        for query in QUESTIONS
        for top_k in (1, 2, 3)
    ]
    assert {result.complete for result in found} == {True, False}
    for query in QUESTIONS:
        assert ask(index, query, None, group_by="identity", top_k=2).complete


def test_re_ranking_takes_its_rows_from_the_same_tier(index, tier):
    for group_by in ("tracklet", "identity"):
        result = ask(
            index, QUESTIONS[0], tier, group_by=group_by, rerank=Reranking(first=50), top_k=10
        )
        assert result.tier == "ann"
        assert all(match.reranked is not None for match in result.matches)


def test_an_enrolled_tracklet_may_ask_the_base_and_does_not_find_itself(index, tier):
    result = search_tracklet(
        index.view, "t00010", SearchOptions(top_k=20), now_s=NOW_S, approximate=tier
    )
    assert result.tier == "ann"
    assert "t00010" not in names(result)
