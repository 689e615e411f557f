import numpy as np
import pytest

from tests.embedding_tables import drawn_table, people_table, row, table
from training.evaluation.matching import NOT_IN_GALLERY
from training.evaluation.ranking import average_precision, evaluate_retrieval, without_queries
from training.evaluation.ranking_rules import RankingRules

MARS = RankingRules(average_precision="mars")


def reference(query, gallery, rules):
    """Per query name: ranks of the right matches, or None where the query does not count."""
    answers = {}
    for q in range(len(query)):
        listed = []
        for g in range(len(gallery)):
            same = query.identities[q] == gallery.identities[g]
            own_camera = query.cameras[q] == gallery.cameras[g]
            own_outfit = query.outfits[q] == gallery.outfits[g] != ""
            ruled_out = (rules.same_camera == "exclude" and own_camera) or (
                rules.exclude_same_outfit and own_outfit
            )
            junk = gallery.identities[g] == -1
            if junk or gallery.names[g] == query.names[q] or (same and ruled_out):
                continue
            listed.append((-float(query.embeddings[q] @ gallery.embeddings[g]), g, bool(same)))
        ranks = [rank for rank, (*_, right) in enumerate(sorted(listed), start=1) if right]
        answers[str(query.names[q])] = ranks if ranks and query.identities[q] > 0 else None
    return answers


def reference_precision(ranks, kind):
    """Walk down the list, as `compute_AP.m` does."""
    old, total, found = 1.0, 0.0, 0
    for rank in range(1, ranks[-1] + 1):
        found += rank in ranks
        precision = found / rank
        if rank in ranks:
            total += precision if kind == "standard" else (old + precision) / 2
        old = precision
    return total / len(ranks)


def rules_of(seed):
    return RankingRules(
        same_camera="keep" if seed % 5 == 0 else "exclude",
        exclude_same_outfit=seed % 3 == 0,
        average_precision="mars" if seed % 2 else "standard",
        chunk_queries=1 + seed % 4,
    )


@pytest.mark.parametrize("hundred", range(10))
def test_it_equals_a_brute_force_reference_on_a_thousand_cases(hundred):
    """Ties, junk, unknown cameras, queries in the gallery, queries without a match."""
    none_left = 0
    for seed in range(100 * hundred, 100 * hundred + 100):
        gallery = drawn_table(seed, 1 + seed % 14, prefix="t")
        apart = drawn_table(seed + 5000, 1 + seed % 6, prefix="q")
        query = gallery if seed % 2 else apart
        rules = rules_of(seed)
        answers = reference(query, gallery, rules)
        valid = {name: ranks for name, ranks in answers.items() if ranks}
        if not valid:
            none_left += 1
            with pytest.raises(ValueError, match="all dropped|none that is not junk"):
                evaluate_retrieval(query, gallery, rules)
            continue
        result = evaluate_retrieval(query, gallery, rules)
        assert result.names.tolist() == list(valid)
        assert {one.name for one in result.dropped} == set(answers) - set(valid)
        assert result.first_ranks.tolist() == [ranks[0] for ranks in valid.values()]
        assert result.positives.tolist() == [len(ranks) for ranks in valid.values()]
        penalties = [len(ranks) / ranks[-1] for ranks in valid.values()]
        assert result.inverse_penalties.tolist() == pytest.approx(penalties)
        precisions = [reference_precision(r, rules.average_precision) for r in valid.values()]
        assert result.average_precisions.tolist() == pytest.approx(precisions)
        assert result.gallery == np.sum(gallery.identities != -1)
    assert 0 < none_left < 60


GALLERY = table(
    row("same camera", 1, 1, 1.0, 0.0),
    row("junk", -1, 2, 1.0, 0.0),
    row("distractor", 0, 2, 0.9, 0.1),
    row("right", 1, 2, 0.8, 0.3),
    row("other", 2, 2, 0.0, 1.0),
    row("right again", 1, 3, -1.0, 0.0),
)
QUERY = table(
    row("q1", 1, 1, 1.0, 0.0),  # distractor, right, other, right again: hits at 2 and 4
    row("q2", 2, 1, 0.0, 1.0),  # other: a hit at 1
    row("q3", 3, 1, 0.0, 1.0),  # nobody
)


def test_three_queries_worked_by_hand():
    result = evaluate_retrieval(QUERY, GALLERY)
    assert result.names.tolist() == ["q1", "q2"]
    assert result.average_precisions.tolist() == [(1 / 2 + 2 / 4) / 2, 1]
    assert result.inverse_penalties.tolist() == [2 / 4, 1]
    assert result.cmc == {1: 0.5, 5: 1.0, 10: 1.0, 20: 1.0}
    assert result.gallery == 5
    assert [(one.name, one.reason) for one in result.dropped] == [("q3", NOT_IN_GALLERY)]


def test_standard_and_trapezoid_precision_of_the_three_queries_differ_as_worked_by_hand():
    """Precisions along q1: 0, 1/2, 1/3, 2/4; before the first rank it is 1 by definition."""
    result = evaluate_retrieval(QUERY, GALLERY, MARS)
    by_hand = ((0 + 1 / 2) / 2 + (1 / 3 + 2 / 4) / 2) / 2
    assert result.average_precisions.tolist() == pytest.approx([by_hand, 1])
    assert result.cmc == evaluate_retrieval(QUERY, GALLERY).cmc


def test_same_camera_rule_leaves_out_only_the_own_identity_of_the_own_camera():
    """The nearest is the query's own person before its own camera; a stranger there counts."""
    query = table(row("q", 1, 1, 1.0, 0.0))
    gallery = table(
        row("itself a second later", 1, 1, 1.0, 0.0),
        row("stranger, own camera", 2, 1, 0.9, 0.2),
        row("right", 1, 2, 0.0, 1.0),
    )
    assert evaluate_retrieval(query, gallery).first_ranks.tolist() == [2]
    kept = evaluate_retrieval(query, gallery, RankingRules(same_camera="keep"))
    assert kept.first_ranks.tolist() == [1]
    assert kept.positives.tolist() == [2]


def test_junk_rule_never_ranks_junk_and_always_ranks_distractors():
    query = table(row("q", 1, 1, 1.0, 0.0))
    right = row("right", 1, 2, 0.0, 1.0)
    nearer = {identity: row("nearer", identity, 2, 1.0, 0.0) for identity in (-1, 0)}
    assert evaluate_retrieval(query, table(nearer[-1], right)).first_ranks.tolist() == [1]
    assert evaluate_retrieval(query, table(nearer[0], right)).first_ranks.tolist() == [2]


@pytest.mark.parametrize(
    ("ranks", "standard", "trapezoid"),
    [
        ([1, 2], 1, 1),
        ([3], 1 / 3, 1 / 6),
        ([1, 3], (1 + 2 / 3) / 2, (1 + (1 / 2 + 2 / 3) / 2) / 2),
        ([2, 4], 1 / 2, (1 / 4 + 5 / 12) / 2),
    ],
)
def test_average_precision_formulas_on_lists_worked_by_hand(ranks, standard, trapezoid):
    assert average_precision(np.array(ranks)) == pytest.approx(standard)
    assert average_precision(np.array(ranks), MARS) == pytest.approx(trapezoid)


def test_ties_keep_gallery_order():
    wrong, right = row("wrong", 2, 2, 1, 0), row("right", 1, 2, 1, 0)
    query = table(row("q", 1, 1, 1, 0))
    assert evaluate_retrieval(query, table(wrong, right)).cmc[1] == 0
    assert evaluate_retrieval(query, table(right, wrong)).cmc[1] == 1


def test_an_unknown_camera_leaves_nothing_out():
    gallery = table(row("right", 1, None, 1, 0))
    assert evaluate_retrieval(table(row("q", 1, None, 1, 0)), gallery).cmc[1] == 1


def test_a_query_is_not_its_own_match():
    alone = table(row("a", 1, 1, 1, 0), row("b", 2, 1, 1, 0), row("c", 2, 2, 1, 0))
    result = evaluate_retrieval(alone, alone)
    assert [(one.name, one.reason) for one in result.dropped] == [("a", NOT_IN_GALLERY)]
    # Before unknown cameras nothing else would leave it out.
    unknown = table(row("a", 1, None, 1, 0), row("b", 2, 1, 1, 0), row("c", 1, None, 0, 1))
    assert evaluate_retrieval(unknown.take(np.array([0])), unknown).first_ranks.tolist() == [2]


def test_without_queries_removes_by_name_and_nothing_else():
    gallery = table(row("a", 1, 1, 1, 0), row("b", 1, 2, 1, 0), row("c", 2, 2, 1, 0))
    query = table(row("b", 1, 2, 1, 0), row("z", 1, 2, 1, 0))
    assert without_queries(gallery, query).names.tolist() == ["a", "c"]


@pytest.mark.parametrize("chunk", [1, 7, 1000])
def test_the_size_of_a_chunk_changes_no_digit(chunk):
    """Rows that are nearly alike, where float32 products would order them by batch size."""
    people = people_table(3, identities=20, tracklets=6, dimension=500, spread=1e-4)
    expected = evaluate_retrieval(people, people, RankingRules(chunk_queries=64))
    result = evaluate_retrieval(people, people, RankingRules(chunk_queries=chunk))
    assert np.array_equal(result.average_precisions, expected.average_precisions)
    assert np.array_equal(result.inverse_penalties, expected.inverse_penalties)


def test_the_order_of_the_queries_does_not_matter_to_any():
    people = people_table(4, identities=8, tracklets=5)
    shuffled = people.take(np.random.default_rng(0).permutation(len(people)))
    expected = evaluate_retrieval(people, people)
    result = evaluate_retrieval(shuffled, people)
    by_name = dict(zip(result.names.tolist(), result.average_precisions.tolist(), strict=True))
    assert [by_name[name] for name in expected.names.tolist()] == (
        expected.average_precisions.tolist()
    )
