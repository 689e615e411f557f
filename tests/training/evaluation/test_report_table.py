from rich.console import Console

from tests.evaluation_reports import METHOD, made_up_report
from training.evaluation.report import MethodSummary
from training.evaluation.report_table import ONE_FILE, print_report


def printed(report, capsys):
    print_report(report, Console(width=300))
    return capsys.readouterr().out


def test_metrics_valid_and_dropped_queries_and_protocol_are_printed(capsys):
    report = made_up_report()
    text = printed(report, capsys)
    for expected in ("mINP", "61.25", "40.00", "9 valid queries, 1 dropped", "HSV histogram"):
        assert expected in text
    assert "1: nobody else: lonely" in text
    assert f"split 'folder' of drawn people: {report.protocol.sentence()}" in text


def test_every_dropped_query_is_named(capsys):
    names = [f"0007C{number}" for number in range(140)]
    report = made_up_report()
    split = report.splits[0].model_copy(update={"dropped_queries": dict.fromkeys(names, "[x]")})
    text = printed(report.model_copy(update={"splits": (split,)}), capsys)
    assert "9 valid queries, 140 dropped" in text
    assert "140: [x]: 0007C0, " in text
    assert all(name in text for name in names)


def test_several_splits_end_with_mean_and_deviation(capsys):
    report = made_up_report()
    spread = MethodSummary(mean=METHOD, std=METHOD.model_copy(update={"rank_1": 1.5}))
    several = report.model_copy(update={"splits": report.splits * 2, "summary": {"full": spread}})
    text = printed(several, capsys)
    assert "mean ± std over 2 splits" in text
    assert "61.25 ± 1.50" in text
    assert ONE_FILE in text
    assert ONE_FILE not in printed(report, capsys)
