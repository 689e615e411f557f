import pytest

from training.evaluation.ranking_rules import DISTRACTOR, JUNK, RankingRules


def test_unless_told_otherwise_numbers_are_those_that_papers_report():
    assert RankingRules().model_dump(exclude={"chunk_queries"}) == {
        "same_camera": "exclude",
        "exclude_same_outfit": False,
        "average_precision": "standard",
    }
    assert (JUNK, DISTRACTOR) == (-1, 0)


@pytest.mark.parametrize(
    "settings",
    [
        {"same_camera": "maybe"},
        {"average_precision": "official"},
        {"chunk_queries": 0},
        {"same_cameras": "keep"},
    ],
)
def test_other_rules_are_refused(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        RankingRules(**settings)


def test_rules_survive_the_round_trip_through_json():
    rules = RankingRules(same_camera="keep", exclude_same_outfit=True, average_precision="mars")
    assert RankingRules.model_validate_json(rules.model_dump_json()) == rules
