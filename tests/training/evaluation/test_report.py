import numpy as np
import pytest
from rich.console import Console

from training.evaluation.ranking_rules import RankingRules
from training.evaluation.report import EvaluationReport, build_report, print_report
from training.evaluation.retrieval_result import DroppedQuery, RetrievalResult


def result(rank_1, *, gallery=9, dropped=(), valid=8):
    """As many first right matches at rank 1 as `rank_1` says; the others are second."""
    first = np.where(np.arange(valid) < round(rank_1 * valid), 1, 2)
    names = np.array([f"q{row}" for row in range(valid)])
    return RetrievalResult(
        names=names,
        average_precisions=1 / first,
        first_ranks=first,
        inverse_penalties=1 / first,
        positives=np.ones(valid, dtype=np.int64),
        dropped=tuple(dropped),
        gallery=gallery,
        rules=RankingRules(),
    )


def test_fractions_become_percent_to_two_decimals():
    report = build_report("drawn", {"model": result(2 / 3, valid=9)}, weights_sha256="0" * 64)
    assert report.methods["model"].rank_1 == 66.67
    assert report.methods["model"].mean_average_precision == 83.33
    assert EvaluationReport.model_validate_json(report.model_dump_json()) == report


@pytest.mark.parametrize(
    "other",
    [
        result(0.5, gallery=10),
        result(0.5, dropped=[DroppedQuery("lonely", "nobody else")]),
        result(0.5, valid=7),
    ],
    ids=["gallery", "dropped", "valid queries"],
)
def test_methods_over_different_tracklets_are_not_put_side_by_side(other):
    with pytest.raises(ValueError, match="expected 'b' over the same tracklets"):
        build_report("drawn", {"a": result(0.5), "b": other}, weights_sha256="0" * 64)


def test_every_dropped_query_is_printed_with_its_reason(capsys):
    dropped = [DroppedQuery("0007C1", "nobody else")]
    report = build_report("drawn", {"model": result(0.5, dropped=dropped)}, weights_sha256="0" * 64)
    print_report(report, Console(width=200))
    printed = capsys.readouterr().out
    assert "1 queries dropped" in printed
    assert "0007C1: nobody else" in printed
    assert "50.00" in printed
