"""Reports whose numbers nobody measured, for tests of what is done with reports."""

from training.evaluation.protocol import RetrievalProtocol
from training.evaluation.report import EvaluationReport, MethodReport, MethodSummary, SplitReport

METHOD = MethodReport(
    rank_1=61.25,
    rank_5=80,
    rank_10=90,
    rank_20=95,
    mean_average_precision=50.5,
    mean_inverse_penalty=40,
)


def made_up_protocol(**changes):
    settings = {
        "data_set": "drawn people",
        "splits": ("folder",),
        "queries": "every tracklet",
        "gallery_includes_query": True,
        "frames": "served",
        "sampled_frames": 8,
        "clips": "single frames",
        "height": 64,
        "width": 32,
    }
    return RetrievalProtocol(**{**settings, **changes})


def made_up_report(*, methods=None, weights_sha256="0" * 64, **protocol):
    methods = methods or {"full": METHOD, "HSV histogram": METHOD}
    split = SplitReport(
        name="folder",
        weights_sha256=weights_sha256,
        data_sha256="1" * 64,
        gallery=10,
        valid_queries=9,
        dropped_queries={"lonely": "nobody else"},
        methods=methods,
    )
    return EvaluationReport(
        protocol=made_up_protocol(**protocol),
        splits=(split,),
        summary={name: MethodSummary(mean=one, std=None) for name, one in methods.items()},
        versions={"torch": "0"},
    )
