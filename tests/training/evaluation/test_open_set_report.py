import pytest
from rich.console import Console

from tests.embedding_tables import people_table
from training.evaluation.judged_task import JudgedTask, MethodRanking
from training.evaluation.open_set import evaluate_open_set, make_unknown
from training.evaluation.open_set_report import print_open_set, report_open_set
from training.evaluation.ranking import evaluate_retrieval
from training.evaluation.ranking_rules import RankingRules
from training.evaluation.retrieval_task import RetrievalTask


def judged(rules=None):
    everyone = people_table(3, identities=20, tracklets=4)
    rules = rules or RankingRules()
    ranking = MethodRanking(everyone, everyone, evaluate_retrieval(everyone, everyone, rules))
    task = RetrievalTask("folder", query=(), gallery=(), asks_itself=True)
    return JudgedTask(task, "0" * 64, {"full": ranking, "student": ranking})


def test_every_method_is_asked_about_the_same_gallery_without_a_share_of_the_people():
    one = judged()
    (report,) = report_open_set([one], share=0.5, seed=4)
    table = one.methods["full"].query
    left = make_unknown(table, table, share=0.5, seed=4)
    expected = evaluate_open_set(table, left)
    assert (report.split, report.share, report.seed) == ("folder", 0.5, 4)
    assert (report.known, report.unknown) == (expected.known, expected.unknown)
    assert report.gallery == len(left) == len(table) // 2
    assert report.methods["full"] == report.methods["student"]
    for point, found in zip(report.methods["full"], expected.points, strict=True):
        assert point.asked_false_accept_rate == 100 * found.asked_rate
        assert point.detection_rate == pytest.approx(100 * found.detection_rate, abs=0.005)
        assert point.false_accept_rate == pytest.approx(100 * found.false_accept_rate, abs=0.005)
        assert point.threshold == pytest.approx(found.threshold, abs=1e-6)
    assert report.unresolved_rates == tuple(100 * rate for rate in expected.unresolved_rates)


def test_the_rules_of_the_ranking_hold_here_too():
    excluded = report_open_set([judged()], share=0.5, seed=4)
    kept = report_open_set([judged(RankingRules(same_camera="keep"))], share=0.5, seed=4)
    assert excluded[0].known < kept[0].known


def test_a_share_of_everybody_is_refused():
    with pytest.raises(ValueError, match="expected a share that takes out between 1 and 19 of 20"):
        report_open_set([judged()], share=0.99, seed=0)


def test_working_points_and_unmeasured_rates_are_printed(capsys):
    (report,) = report_open_set([judged()], share=0.5, seed=4)
    print_open_set(report, Console(width=120))
    text = capsys.readouterr().out
    assert f"{report.known} known and {report.unknown} unknown probes" in text
    assert f"{report.methods['full'][0].detection_rate:.2f}" in text
    for rate in report.unresolved_rates:
        assert f"FAR {rate:g} %: too few unknown probes to measure" in text
