import pytest
import torch

from model.registry import build_model
from tests.small_models import small_student
from training.evaluation.report import EvaluationReport, MethodReport
from training.export.description import ArtifactCard, ArtifactDescription


@pytest.fixture(scope="session")
def small_network():
    """The light pair at a small size, with statistics as training would leave them."""
    torch.manual_seed(0)
    network = build_model(small_student())
    network.train()
    with torch.no_grad():
        for _ in range(20):
            network(torch.randn(8, 2, 3, 64, 32))
    return network.eval()


@pytest.fixture(scope="session")
def description():
    method = MethodReport(
        rank_1=61.25, rank_5=80, rank_10=90, rank_20=95, mean_average_precision=50.5
    )
    return ArtifactDescription(
        card=ArtifactCard(
            name="tiny", version="0.0.1", data="drawn people", data_licence="Anything goes.",
            training="Not at all.",
        ),
        commit="abc123",
        report=EvaluationReport(
            data="drawn people", weights_sha256="0" * 64, protocol="all against all",
            gallery=10, valid_queries=9,
            dropped_queries={"lonely": "nobody else"},
            methods={"model": method, "HSV histogram": method},
        ),
    )  # fmt: skip
