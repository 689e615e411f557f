import numpy as np
import pytest

from tests.embedding_tables import people_table, row, table
from training.evaluation.open_set import evaluate_open_set, make_unknown
from training.evaluation.ranking_rules import RankingRules


def at(similarity):
    """Unit vector at this cosine to (1, 0)."""
    return similarity, (1 - similarity**2) ** 0.5


GALLERY = table(row("g1", 1, 9, 1, 0), row("g2", 2, 9, -1, 0), row("junk", -1, 9, 0, 1))
QUERY = table(
    row("right and near", 1, 1, *at(0.9)),
    row("right and far", 1, 1, *at(0.3)),
    row("taken for the other", 2, 1, *at(0.8)),
    row("stranger a", 5, 1, *at(0.7)),
    row("stranger b", 6, 1, *at(0.5)),
    row("stranger c", 7, 1, *at(0.2)),
    row("stranger d", 8, 1, *at(0.1)),
    row("distractor", 0, 1, *at(0.99)),
)


def test_rates_of_seven_probes_are_as_worked_by_hand():
    result = evaluate_open_set(QUERY, GALLERY, rates=(0.25, 0.5, 0.75, 0.1))
    assert (result.known, result.unknown, result.gallery) == (3, 4, 2)
    assert result.unresolved_rates == (0.1,)
    rates = [(p.asked_rate, p.false_accept_rate, p.detection_rate) for p in result.points]
    assert rates == [
        (0.75, 0.75, pytest.approx(2 / 3)),  # above 0.1: both right ones
        (0.5, 0.5, pytest.approx(2 / 3)),  # above 0.2
        (0.25, 0.25, pytest.approx(1 / 3)),  # above 0.5: the far one is lost
    ]
    assert [p.threshold for p in result.points] == pytest.approx([0.1, 0.2, 0.5])


def test_tied_strangers_are_refused_together():
    """Accepting one of two equal ones would accept both, and overshoot the asked rate."""
    tied = table(*(row(f"s{n}", 10 + n, 1, *at(0.5)) for n in range(2)), row("k", 1, 1, *at(0.9)))
    (point,) = evaluate_open_set(tied, GALLERY, rates=(0.5,)).points
    assert point.false_accept_rate == 0
    assert point.detection_rate == 1


def test_a_person_known_only_from_the_own_camera_is_unknown_under_the_rule():
    gallery = table(row("own camera", 1, 1, 1, 0), row("g2", 2, 9, -1, 0))
    query = table(row("a", 1, 1, *at(0.9)), row("b", 2, 1, *at(-0.9)))
    result = evaluate_open_set(query, gallery, rates=(0.5,))
    assert (result.known, result.unknown) == (1, 1)
    with pytest.raises(ValueError, match="received 2 with and 0 without"):
        evaluate_open_set(query, gallery, RankingRules(same_camera="keep"))


def test_thresholds_let_through_no_more_than_asked():
    people = people_table(5, identities=60, tracklets=5, spread=1.2)
    gallery = make_unknown(people, people, share=0.5, seed=1)
    result = evaluate_open_set(people, gallery)
    assert [point.asked_rate for point in result.points] == [0.1, 0.01]
    assert result.unresolved_rates == (0.001,)
    for point in result.points:
        assert point.false_accept_rate <= point.asked_rate
        assert point.false_accept_rate > point.asked_rate - 1 / result.unknown
    assert result.points[0].detection_rate >= result.points[1].detection_rate


def test_the_seed_decides_who_becomes_unknown():
    people = people_table(6, identities=10, tracklets=3)
    one, again, other = (
        make_unknown(people, people, share=0.3, seed=seed).names.tolist() for seed in (1, 1, 2)
    )
    assert one == again != other
    assert len(one) == 7 * 3


@pytest.mark.parametrize(
    ("rows", "counts"), [([0, 1, 2], "3 with and 0 without"), ([3, 4], "0 with and 2 without")]
)
def test_without_known_or_unknown_probes_there_is_nothing_to_measure(rows, counts):
    with pytest.raises(ValueError, match=f"received {counts}; take some people out"):
        evaluate_open_set(QUERY.take(np.array(rows)), GALLERY)


@pytest.mark.parametrize("rate", [0, 1, -0.1])
def test_a_rate_outside_0_and_1_is_refused(rate):
    with pytest.raises(ValueError, match="expected false-accept rates between 0 and 1"):
        evaluate_open_set(QUERY, GALLERY, rates=(rate,))


@pytest.mark.parametrize("share", [0.01, 0.99])
def test_a_share_that_leaves_one_side_empty_is_refused(share):
    people = people_table(7, identities=4, tracklets=2)
    with pytest.raises(ValueError, match="between 1 and 3 of 4 people, received"):
        make_unknown(people, people, share=share, seed=0)


@pytest.mark.parametrize("share", [0, 1, -0.5, float("nan")])
def test_what_is_no_share_is_refused(share):
    people = people_table(7, identities=4, tracklets=2)
    with pytest.raises(ValueError, match="expected a share of the people between 0 and 1, receiv"):
        make_unknown(people, people, share=share, seed=0)
