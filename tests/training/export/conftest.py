import pytest
import torch

from model.manifest import EmbeddingPart, FrameChoice, OutputTensor, Preprocessing
from model.registry import build_model
from tests.evaluation_reports import made_up_report
from tests.small_models import small_student
from training.export.description import ArtifactCard, ArtifactDescription
from training.export.mini_gallery import draw_gallery


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
    return ArtifactDescription(
        card=ArtifactCard(
            name="tiny", version="0.0.1", data="drawn people", data_licence="Anything goes.",
            training="Not at all.",
        ),
        commit="abc123",
        report=made_up_report(),
    )  # fmt: skip


@pytest.fixture(scope="session")
def drawn():
    """The mini-gallery in the smallest frames that can be drawn."""
    preprocessing = Preprocessing(
        frames_per_clip=None, choice=FrameChoice(policy="evenly_spaced", most=8),
        height=32, width=16, interpolation="bilinear_antialias", colour="RGB",
    )  # fmt: skip
    part = EmbeddingPart(name="a", dimension=6)
    output = OutputTensor(
        name="features", dimension=6, normalised=True, metric="cosine", pooling="mean",
        parts=(part,),
    )  # fmt: skip
    return draw_gallery(preprocessing, output)
