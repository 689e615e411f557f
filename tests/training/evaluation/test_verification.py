import numpy as np
import pytest

from training.evaluation.pair_similarities import SimilarityHistograms
from training.evaluation.verification import verification_curve


def histograms(same, different):
    """Counts at -1, -0.5, 0, 0.5 and 1."""
    return SimilarityHistograms(np.linspace(-1, 1, 5), np.array(same), np.array(different))


CURVE = verification_curve(histograms([0, 1, 1, 4, 4], [10, 5, 3, 1, 1]))


def test_rates_at_every_threshold_are_as_worked_by_hand():
    assert CURVE.thresholds.tolist() == [-1, -0.5, 0, 0.5, 1, np.inf]
    assert CURVE.true_accept_rates.tolist() == [1, 1, 0.9, 0.8, 0.4, 0]
    assert CURVE.false_accept_rates.tolist() == [1, 0.5, 0.25, 0.1, 0.05, 0]
    assert (CURVE.same_pairs, CURVE.different_pairs) == (10, 20)


def test_the_lowest_threshold_within_the_rate_is_taken():
    point = CURVE.at_false_accept_rate(0.2)
    assert (point.threshold, point.false_accept_rate, point.true_accept_rate) == (0.5, 0.1, 0.8)
    assert CURVE.at_false_accept_rate(0.25).threshold == 0
    assert CURVE.at_false_accept_rate(0.05).true_accept_rate == 0.4


def test_errors_are_equal_where_they_are_closest():
    """At 0.5: 10 % of strangers accepted, 20 % of people refused; at 0: 25 % and 10 %."""
    assert CURVE.equal_error().threshold == 0.5
    assert CURVE.equal_error_rate == pytest.approx(0.15)


def test_people_who_are_told_apart_perfectly_have_no_error():
    curve = verification_curve(histograms([0, 0, 0, 0, 9], [9, 0, 0, 0, 0]))
    assert curve.equal_error_rate == 0
    assert curve.at_false_accept_rate(0.5).true_accept_rate == 1


def test_nothing_is_accepted_where_strangers_are_all_identical():
    curve = verification_curve(histograms([0, 0, 0, 0, 9], [0, 0, 0, 0, 9]))
    point = curve.at_false_accept_rate(0.5)
    assert (point.threshold, point.true_accept_rate) == (np.inf, 0)


@pytest.mark.parametrize("rate", [0, 0.04, 1])
def test_a_rate_that_the_pairs_cannot_show_is_refused(rate):
    with pytest.raises(ValueError, match=f"expected a false-accept rate between 1/20 .* {rate};"):
        CURVE.at_false_accept_rate(rate)


@pytest.mark.parametrize(("same", "different"), [([0] * 5, [1] * 5), ([1] * 5, [0] * 5)])
def test_one_kind_of_pair_alone_is_refused(same, different):
    with pytest.raises(ValueError, match="expected pairs of one person and pairs of different"):
        verification_curve(histograms(same, different))
