import statistics

import pytest

from tests.embedding_tables import people_table
from training.evaluation.ranking import evaluate_retrieval
from training.evaluation.ranking_rules import RankingRules
from training.evaluation.several_splits import over_splits


def split(seed, rules=None):
    people = people_table(seed, identities=8, tracklets=4, spread=2.0)
    return evaluate_retrieval(people, people, rules)


def test_every_metric_has_its_mean_and_the_deviation_of_the_sample():
    splits = [split(seed) for seed in range(10)]
    found = over_splits(splits)
    assert list(found) == ["rank1", "rank5", "rank10", "rank20", "mAP", "mINP"]
    for name, spread in found.items():
        values = [one.metrics()[name] for one in splits]
        assert spread.splits == 10
        assert spread.mean == pytest.approx(statistics.mean(values))
        assert spread.standard_deviation == pytest.approx(statistics.stdev(values))
    assert found["mAP"].standard_deviation > 0


def test_one_split_has_a_mean_and_no_spread():
    one = split(0)
    found = over_splits([one])
    assert {name: spread.mean for name, spread in found.items()} == one.metrics()
    assert {spread.standard_deviation for spread in found.values()} == {None}
    with pytest.raises(ValueError, match="expected at least 1 split, received none; evaluate one"):
        over_splits([])


def test_splits_under_other_rules_are_not_averaged():
    with pytest.raises(ValueError, match="received others as well; evaluate every split by the"):
        over_splits([split(0), split(1, RankingRules(average_precision="mars"))])
