import dataclasses

import numpy as np
import pytest

from tests.embedding_tables import people_table, row, table
from training.evaluation.ranking import evaluate_retrieval
from training.evaluation.ranking_rules import RankingRules
from training.visualize.ranked_lists import RankedLists, choose_queries

QUERY = row("q", 1, 1, 1.0, 0.0, outfit="coat")
GALLERY = table(
    row("far, right", 1, 2, 0.1, 1.0),
    row("junk", -1, 1, 1.0, 0.01),
    QUERY,
    row("same camera", 1, 1, 1.0, 0.02),
    row("nobody", 0, 3, 1.0, 0.1),
    row("other", 2, 1, 1.0, 0.2),
    row("right", 1, 3, 1.0, 0.3, outfit="coat"),
    row("another", 3, 2, 1.0, 0.4),
    row("unknown camera", 1, None, 1.0, 0.5),
)


def listed(top_k, rules=None, gallery=GALLERY, query=QUERY):
    lists = RankedLists(table(query), gallery, rules or RankingRules())
    return lists.of("q", top_k=top_k)


def described(entries):
    return [(entry.rank, entry.verdict, entry.name, entry.remark) for entry in entries]


def test_the_list_is_the_one_written_by_hand():
    found = listed(top_k=5)
    assert described(found.entries) == [
        (None, "ignored", "junk", "junk"),
        (None, "ignored", "same camera", "same camera"),
        (1, "wrong", "nobody", "distractor"),
        (2, "wrong", "other", ""),
        (3, "right", "right", ""),
        (4, "wrong", "another", ""),
        (5, "right", "unknown camera", ""),
    ]
    assert (found.query, found.first_right, found.right_matches) == ("q", 3, 3)


def test_similarities_are_cosines_and_fall():
    similarities = [entry.similarity for entry in listed(top_k=6).entries]
    assert similarities == sorted(similarities, reverse=True)
    assert similarities[2] == pytest.approx(1 / np.hypot(1, 0.1))


def test_the_first_right_match_is_listed_however_late():
    found = listed(top_k=1)
    assert described(found.entries)[2:] == [
        (1, "wrong", "nobody", "distractor"),
        (3, "right", "right", ""),
    ]


def test_nothing_is_listed_after_the_last_rank_but_that_match():
    assert [entry.rank for entry in listed(top_k=3).entries] == [None, None, 1, 2, 3]


def test_an_excluded_outfit_is_named():
    found = listed(top_k=5, rules=RankingRules(exclude_same_outfit=True))
    assert (None, "ignored", "right", "same outfit") in described(found.entries)
    assert found.first_right == 4


def test_the_own_camera_counts_where_the_rules_keep_it():
    found = listed(top_k=2, rules=RankingRules(same_camera="keep"))
    assert described(found.entries)[1] == (1, "right", "same camera", "")


def test_a_query_without_a_right_match_ends_at_the_last_rank():
    alone = listed(top_k=2, query=row("q", 9, 1, 1.0, 0.0))
    assert alone.first_right is None
    assert [entry.rank for entry in alone.entries] == [None, 1, 2]


def test_equal_similarities_keep_gallery_order():
    gallery = table(*(row(name, 2, 1, 1.0, 0.0) for name in "cab"), row("z", 1, 2, 0.0, 1.0))
    assert [entry.name for entry in listed(top_k=3, gallery=gallery).entries[:3]] == ["c", "a", "b"]


def test_an_unknown_query_is_refused():
    with pytest.raises(ValueError, match="one of 1 queries, received 'x'; choose names from"):
        RankedLists(table(QUERY), GALLERY, RankingRules()).of("x", top_k=1)


@pytest.mark.parametrize("top_k", [1, 7, 100])
def test_the_first_right_rank_is_the_one_that_is_evaluated(top_k):
    people = people_table(4, identities=8, tracklets=4, spread=1.5)
    result = evaluate_retrieval(people, people)
    lists = RankedLists(people, people, result.rules)
    for name, first, positives in zip(
        result.names, result.first_ranks, result.positives, strict=True
    ):
        found = lists.of(str(name), top_k=top_k)
        right = [entry.rank for entry in found.entries if entry.verdict == "right"]
        assert (found.first_right, found.right_matches) == (first, positives)
        assert right[0] == first


def evaluated():
    people = people_table(4, identities=8, tracklets=4, spread=1.5)
    return evaluate_retrieval(people, people)


def test_the_worst_queries_come_first_and_the_best_too():
    result = evaluated()
    precision = dict(zip(result.names.tolist(), result.average_precisions, strict=True))
    worst = [precision[name] for name in choose_queries(result, "worst", 5, seed=0)]
    best = [precision[name] for name in choose_queries(result, "best", 5, seed=0)]
    assert worst == sorted(precision.values())[:5]
    assert best == sorted(precision.values(), reverse=True)[:5]


def test_of_equal_precisions_the_later_first_match_is_worse_and_order_decides_the_rest():
    result = evaluated()
    alike = dataclasses.replace(
        result,
        average_precisions=np.full(result.valid_queries, 0.5),
        first_ranks=np.tile([2, 7], result.valid_queries // 2),
    )
    early, late = result.names[::2].tolist(), result.names[1::2].tolist()
    assert choose_queries(alike, "worst", 999, seed=0) == late + early
    assert choose_queries(alike, "best", 999, seed=0) == early + late


def test_a_random_sample_depends_on_its_seed_alone_and_keeps_order():
    result = evaluated()
    sample = choose_queries(result, "random", 6, seed=1)
    assert sample == choose_queries(result, "random", 6, seed=1)
    assert sample != choose_queries(result, "random", 6, seed=2)
    places = [result.names.tolist().index(name) for name in sample]
    assert places == sorted(places)
    assert len({*sample}) == 6


def test_no_more_queries_are_chosen_than_there_are():
    result = evaluated()
    for selection in ("worst", "best", "random"):
        assert sorted(choose_queries(result, selection, 999, seed=0)) == sorted(result.names)
