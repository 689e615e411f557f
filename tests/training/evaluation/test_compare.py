from rich.progress import Progress

from model.dcct import DCCTConfig
from model.registry import build_model
from training.evaluation.compare import compare_with_baseline


def test_model_and_baseline_answer_the_same_queries(drawn_tracklets):
    network = build_model(DCCTConfig(height=64, width=32))
    with Progress(disable=True) as progress:
        report = compare_with_baseline(
            network,
            drawn_tracklets,
            described="drawn people",
            weights_sha256="0" * 64,
            progress=progress,
        )
    assert list(report.methods) == ["model", "HSV histogram"]
    assert report.valid_queries == report.gallery == len(drawn_tracklets)
    assert report.data == "drawn people"
