import json
from pathlib import Path

import numpy as np
import pytest

from tests.evaluation_reports import made_up_protocol
from training.data.tracklet import Tracklet, tracklets_digest
from training.evaluation.judged_task import JudgedTask, MethodRanking
from training.evaluation.ranking_rules import RankingRules
from training.evaluation.report import EvaluationReport, build_report
from training.evaluation.retrieval_result import DroppedQuery, RetrievalResult
from training.evaluation.retrieval_task import RetrievalTask
from training.evaluation.several_splits import over_splits

QUERY = (Tracklet("q", 1, 1, (Path("a.jpg"),)),)
GALLERY = (Tracklet("g", 1, 2, (Path("b.jpg"),)),)


def result(rank_1, *, gallery=9, dropped=(), valid=8):
    """As many first right matches at rank 1 as `rank_1` says; the others are second."""
    first = np.where(np.arange(valid) < round(rank_1 * valid), 1, 2)
    return RetrievalResult(
        names=np.array([f"q{row}" for row in range(valid)]),
        average_precisions=1 / first,
        first_ranks=first,
        inverse_penalties=1 / first**2,
        positives=np.ones(valid, dtype=np.int64),
        dropped=tuple(dropped),
        gallery=gallery,
        rules=RankingRules(),
    )


def judged(split="official", **results):
    methods = {name: MethodRanking(None, None, one) for name, one in results.items()}
    return JudgedTask(RetrievalTask(split, QUERY, GALLERY), "0" * 64, methods)


def report_of(*tasks):
    return build_report(made_up_protocol(), tasks, device="cpu")


def test_fractions_become_percent_to_two_decimals():
    report = report_of(judged(full=result(2 / 3, valid=9)))
    method = report.splits[0].methods["full"]
    assert (method.rank_1, method.rank_5) == (66.67, 100)
    assert method.mean_average_precision == 83.33
    assert method.mean_inverse_penalty == 75
    assert EvaluationReport.model_validate_json(report.model_dump_json()) == report


def test_the_json_says_what_the_numbers_depend_on():
    dropped = [DroppedQuery("lonely", "nobody else")]
    content = json.loads(report_of(judged(full=result(1, dropped=dropped))).model_dump_json())
    assert content["protocol"]["gallery_includes_query"] is True
    assert content["protocol"]["test_time_augmentation"] == "none"
    (split,) = content["splits"]
    assert split["valid_queries"] == 8
    assert split["dropped_queries"] == {"lonely": "nobody else"}
    assert split["data_sha256"] == tracklets_digest((*QUERY, *GALLERY))
    assert content["versions"].keys() == {"torch", "timm", "numpy", "pillow", "device"}


def test_splits_are_averaged_with_their_sample_deviation():
    report = report_of(*(judged(str(i), full=result(r)) for i, r in enumerate((0.5, 0.75, 1))))
    summary = report.summary["full"]
    assert summary.mean.rank_1 == 75
    assert summary.std is not None
    assert summary.std.rank_1 == 25
    assert report_of(judged(full=result(1))).summary["full"].std is None


def test_a_summary_is_rounded_once_and_equals_the_spread_over_splits():
    """Means of what was already rounded can differ in the last digit."""
    results = [result(found / 7, valid=7) for found in (1, 2, 4)]
    summary = report_of(*(judged(str(i), full=one) for i, one in enumerate(results)))
    spread = over_splits(results)["rank1"]
    assert summary.summary["full"].mean.rank_1 == round(100 * spread.mean, 2)
    assert summary.summary["full"].std.rank_1 == round(100 * spread.standard_deviation, 2)


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
        report_of(judged(a=result(0.5), b=other))
