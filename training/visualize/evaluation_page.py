"""An evaluation of one split as a page that people look at."""

from pathlib import Path

from training.evaluation.evaluation import Evaluation
from training.evaluation.retrieval_task import distinct_tracklets
from training.visualize.html_report import ReportSource, write_report
from training.visualize.scored_method import ScoredMethod


def write_evaluation(path: Path, evaluation: Evaluation) -> None:
    """Write the page: every method's curves, the first one's ranked lists, the protocol.

    Raises:
        ValueError: When there are several splits, or a frame cannot be read.
    """
    if len(evaluation.judged) != 1:
        raise ValueError(
            f"expected an evaluation of one split for a page, received {len(evaluation.judged)}; "
            "name one with --split"
        )
    (judged,), (split,) = evaluation.judged, evaluation.report.splits
    protocol = evaluation.report.protocol
    source = ReportSource(
        title=protocol.subject,
        methods={
            name: ScoredMethod(method.query, method.gallery, method.result)
            for name, method in judged.methods.items()
        },
        protocol={
            "protocol": protocol.sentence(),
            "data": f"{protocol.data_set}, split {split.name}, sha256 {split.data_sha256}",
            "weights": f"sha256 {split.weights_sha256}",
            "frames": f"{protocol.frames}, {protocol.height}×{protocol.width}",
            "made with": ", ".join(f"{k} {v}" for k, v in evaluation.report.versions.items()),
        },
        tracklets={one.name: one for one in distinct_tracklets([judged.task])},
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_report(path, source)
