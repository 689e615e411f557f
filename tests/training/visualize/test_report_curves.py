import numpy as np
import pytest

from tests.embedding_tables import people_table, row, table
from training.evaluation.judged_task import MethodRanking
from training.evaluation.pair_similarities import similarity_histograms
from training.evaluation.ranking import evaluate_retrieval
from training.evaluation.verification import verification_curve
from training.visualize.report_curves import draw_curves


def scored(query, gallery=None):
    gallery = query if gallery is None else gallery
    return MethodRanking(query, gallery, evaluate_retrieval(query, gallery))


def people(seed=3, identities=8):
    """Everyone is seen by two cameras, so that every query has a right match."""
    drawn = people_table(seed, identities=identities, tracklets=4, spread=1.2)
    drawn.cameras[:] = np.tile([1.0, 2.0], 2 * identities)
    return drawn


def names(drawn):
    return [curve.name for curve in drawn.curves], [each.name for each in drawn.tables]


def test_a_closed_set_has_four_curves_and_says_that_it_is_closed():
    drawn = draw_curves({"full": scored(people()), "student": scored(people(seed=4))})
    assert names(drawn) == (["cmc", "precision-recall", "roc", "similarities"], ["thresholds"])
    assert len(drawn.notes) == 1
    assert drawn.notes[0].startswith("No open-set rates (DIR@FAR): every query")
    assert "student" in drawn.curves[0].markup
    assert drawn.curves[2].title == "ROC of full"


def test_thresholds_are_those_of_the_verification_curve():
    drawn = draw_curves({"full": scored(people())})
    curve = verification_curve(similarity_histograms(people(), people()))
    rows = {cells[0]: cells[1:] for cells in drawn.tables[0].rows}
    for rate in (0.1, 0.01):
        point = curve.at_false_accept_rate(rate)
        accepted, found = f"{point.false_accept_rate:.2e}", f"{100 * point.true_accept_rate:.2f} %"
        assert rows[f"{rate:g}"] == (f"{point.threshold:.4f}", accepted, found)
        assert f"FAR {rate:g}" in drawn.curves[3].markup
    assert rows["0.0001"] == ("too few pairs", "–", "–")
    assert rows["EER"][1] == f"{curve.equal_error_rate:.2e}"


def test_queries_without_a_right_match_make_it_an_open_set():
    everyone = people(identities=16)
    some = everyone.take(np.flatnonzero(everyone.identities <= 6))
    drawn = draw_curves({"full": scored(everyone, some)})
    curves, tables = names(drawn)
    assert (curves[-1], tables[-1]) == ("open-set", "open-set-rates")
    assert drawn.notes == []
    assert "24 queries with a right match and 40 without, against 24" in drawn.tables[-1].caption
    rows = {cells[0]: cells for cells in drawn.tables[-1].rows}
    assert float(rows["0.1"][2]) == pytest.approx(0.1)
    assert rows["0.01"] == ("0.01", "too few unknown", "–", "–")


def test_one_unknown_query_has_no_rate_to_draw():
    everyone = people()
    most = everyone.take(np.flatnonzero(everyone.identities <= 7))
    asked = everyone.take(np.arange(29))
    curves, tables = names(draw_curves({"full": scored(asked, most)}))
    assert "open-set" not in curves
    assert tables[-1] == "open-set-rates"


def test_distractors_ask_about_nobody_and_open_no_set():
    people_and_nobody = table(
        row("a", 1, 1, 1.0, 0.0),
        row("b", 1, 2, 1.0, 0.3),
        row("c", 0, 1, 0.1, 1.0),
    )
    drawn = draw_curves({"full": scored(people_and_nobody)})
    assert "No open-set rates" in drawn.notes[0]


def test_one_person_alone_has_no_roc():
    drawn = draw_curves({"full": scored(table(row("a", 1, 1, 1.0), row("b", 1, 2, 1.0)))})
    assert names(drawn) == (["cmc", "precision-recall"], [])
    assert drawn.notes[0].startswith("No ROC and no similarity histograms: expected pairs of one")
