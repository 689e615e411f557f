import itertools

import pytest

from service.gallery.ranking.decision import DecisionRule, Leaders, decide

RULE = DecisionRule(threshold=0.5, lead=0.125)
ORDER = ["unknown", "ambiguous", "match"]
SIMILARITIES = [-1.0, 0.0, 0.375, 0.4999, 0.5, 0.5001, 0.625, 0.75, 1.0]


@pytest.mark.parametrize("nearest", SIMILARITIES)
@pytest.mark.parametrize("second", [None, -1.0, 0.375, 0.5])
def test_unknown_exactly_below_the_threshold(nearest, second):
    decision = decide(Leaders(nearest, second), RULE)
    assert (decision == "unknown") == (nearest < RULE.threshold)


@pytest.mark.parametrize(
    ("second", "expected"),
    [(0.75, "ambiguous"), (0.6251, "ambiguous"), (0.625, "match"), (0.5, "match"), (None, "match")],
)
def test_ambiguous_exactly_where_another_identity_is_nearer_than_the_lead(second, expected):
    assert decide(Leaders(0.75, second), RULE) == expected


@pytest.mark.parametrize("margin", [0.0, 0.0625, 0.125, 0.5])
def test_more_similar_at_the_same_margin_is_never_less_of_a_match(margin):
    ranks = [ORDER.index(decide(Leaders(one, one - margin), RULE)) for one in SIMILARITIES]
    assert all(low <= high for low, high in itertools.pairwise(ranks))


def test_a_stricter_threshold_only_makes_matches_unknown():
    for threshold in SIMILARITIES:
        strict = decide(Leaders(0.75, 0.5), DecisionRule(threshold, 0.125))
        assert strict == ("match" if threshold <= 0.75 else "unknown")


def test_nobody_eligible_is_unknown_and_without_a_margin():
    assert decide(Leaders(None, None), RULE) == "unknown"
    assert Leaders(None, None).margin is None
    assert Leaders(0.5, None).margin is None
    assert Leaders(0.5, 0.25).margin == 0.25


def test_without_a_lead_to_keep_only_ties_could_be_ambiguous_and_are_not():
    assert decide(Leaders(0.75, 0.75), DecisionRule(0.5, 0.0)) == "match"
