from pathlib import Path

import pytest

from tests.embedding_tables import row, table
from tests.evaluation_reports import made_up_protocol
from training.data.tracklet import Tracklet
from training.evaluation.evaluation import Evaluation
from training.evaluation.judged_task import JudgedTask, MethodRanking
from training.evaluation.ranking import evaluate_retrieval
from training.evaluation.report import build_report
from training.evaluation.retrieval_task import RetrievalTask
from training.visualize.evaluation_source import report_source

QUERY = table(row("q", 1, 1, 1.0, 0.0))
GALLERY = table(row("g", 1, 2, 1.0, 0.1), row("other", 2, 2, 0.0, 1.0))


def tracklets(those):
    return tuple(
        Tracklet(str(name), int(identity), int(camera), (Path(f"{name}.jpg"),))
        for name, identity, camera in zip(those.names, those.identities, those.cameras, strict=True)
    )


def evaluation(*splits):
    ranking = MethodRanking(QUERY, GALLERY, evaluate_retrieval(QUERY, GALLERY))
    judged = tuple(
        JudgedTask(
            RetrievalTask(split, tracklets(QUERY), tracklets(GALLERY)), "0" * 64, {"full": ranking}
        )
        for split in splits
    )
    protocol = made_up_protocol(splits=splits, queries="of the split")
    return Evaluation(build_report(protocol, judged, device="cpu"), judged)


def test_a_page_says_what_was_judged_on_what_and_how():
    judged = evaluation("official")
    source = report_source(judged)
    assert source.title == "Evaluation on split 'official' of drawn people"
    assert list(source.methods) == ["full"]
    assert set(source.tracklets) == {"q", "g", "other"}
    assert source.protocol["protocol"] == judged.report.protocol.sentence()
    assert source.protocol["weights"] == f"sha256 {'0' * 64}"
    assert source.protocol["tracklets"] == f"sha256 {judged.report.splits[0].data_sha256}"
    assert source.protocol["frame size"] == "64×32 pixels"
    assert "device cpu" in source.protocol["versions"]


def test_several_splits_are_no_one_report():
    with pytest.raises(
        ValueError,
        match="expected one split to make a report of, received 10, 'split-0' to 'split-9'; name o",
    ):
        report_source(evaluation(*(f"split-{n}" for n in range(10))))
