"""From an evaluation to what its report is made of."""

from training.evaluation.evaluation import Evaluation
from training.evaluation.retrieval_task import distinct_tracklets
from training.visualize.html_report import ReportSource


def report_source(evaluation: Evaluation) -> ReportSource:
    """The source of the report about an evaluation of one split.

    Raises:
        ValueError: When several splits were evaluated.
    """
    if len(evaluation.judged) != 1:
        names = [judged.task.split for judged in evaluation.judged]
        raise ValueError(
            f"expected one split to make a report of, received {len(names)}, {names[0]!r} to "
            f"{names[-1]!r}; name one with --split"
        )
    (judged,), protocol = evaluation.judged, evaluation.report.protocol
    tracklets = distinct_tracklets([judged.task])
    return ReportSource(
        title=f"Evaluation on {protocol.subject}",
        methods=judged.methods,
        protocol={
            "protocol": protocol.sentence(),
            "frame size": f"{protocol.height}×{protocol.width} pixels",
            "precision": protocol.precision,
            "weights": f"sha256 {judged.weights_sha256}",
            "tracklets": f"sha256 {evaluation.report.splits[0].data_sha256}",
            "versions": ", ".join(
                f"{name} {version}" for name, version in evaluation.report.versions.items()
            ),
        },
        tracklets={tracklet.name: tracklet for tracklet in tracklets},
    )
