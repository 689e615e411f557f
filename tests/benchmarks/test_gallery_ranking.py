"""The measurement of ranking and of the approximate tier, on few and small rows."""

import numpy as np

from benchmarks.gallery_ranking import ANSWERS, People, measure, measure_approximate


def test_every_kind_of_answer_is_timed():
    found = measure(2000, 32, threads=1, rounds=3)
    assert found.keys() == ANSWERS.keys()
    assert all(0 < times.p50_ms <= times.p99_ms for times in found.values())


def test_the_base_is_judged_and_compared_under_every_filter():
    found = measure_approximate(4000, 32, threads=1, rounds=5)
    assert found.gate_wide >= 0.95
    assert [each.selected_percent for each in found.searches] == [100, 50, 20, 10]
    assert all(each.recall >= 0.9 for each in found.searches)


def test_tracklets_of_one_identity_are_alike_and_of_two_are_not():
    people = People(50, 128)
    numbers = np.arange(50)
    one, other = people.tracklets(numbers), people.tracklets(numbers)
    similarities = one @ other.T
    assert 0.55 < np.mean(np.diag(similarities)) < 0.85
    assert abs(np.mean(similarities[~np.eye(50, dtype=bool)])) < 0.1
