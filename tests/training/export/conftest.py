import pytest

from model.manifest import EmbeddingPart, FrameChoice, OutputTensor, Preprocessing
from tests.evaluation_reports import made_up_report
from tests.exported_networks import trained_network
from training.export.artifact import write_artifact
from training.export.description import ArtifactCard, ArtifactDescription
from training.export.mini_gallery import draw_gallery


@pytest.fixture(scope="session")
def small_network():
    """A student of two branches, with statistics as training would leave them."""
    return trained_network("student")


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
def published(tmp_path_factory, small_network, description):
    """The student's artifact; nobody changes it."""
    directory = tmp_path_factory.mktemp("artifacts") / "tiny"
    write_artifact(small_network, directory, description)
    return directory


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
