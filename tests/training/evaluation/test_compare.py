from rich.progress import Progress

from model.registry import build_model
from tests.small_models import small_student
from training.evaluation.compare import compare_with_baseline


def test_model_and_baseline_answer_the_same_queries(drawn_tracklets):
    network = build_model(small_student())
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
