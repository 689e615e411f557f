import dataclasses

import numpy as np
import pytest

from model.manifest import ArtifactError
from service.inference.artifact import open_artifact
from service.inference.golden_clip import least_cosine, reproduce_golden
from service.inference.onnx_backend import open_onnx_lanes
from tests.artifact_factory import write_tiny_artifact
from tests.inference_parts import graph_of


class Reduced:
    """A backend that says it computes in another precision, and errs."""

    name = "made/up"
    precision = "bf16"

    def __init__(self, backend, error):
        self._backend = backend
        self._error = error
        self.sizes = []

    def run(self, items):
        self.sizes.append(len(items))
        features = self._backend.run(items)
        return features + self._error * np.roll(features, 1, axis=1)


@pytest.fixture
def artifact(tmp_path):
    write_tiny_artifact(tmp_path)
    return open_artifact(tmp_path)


@pytest.fixture
def lane(artifact):
    return open_onnx_lanes(graph_of(artifact.directory, artifact.manifest), lanes=1, threads=1)[0]


def asking(artifact, cosine):
    golden = artifact.manifest.golden.model_copy(update={"least_cosine": cosine})
    return dataclasses.replace(
        artifact, manifest=artifact.manifest.model_copy(update={"golden": golden})
    )


@pytest.mark.parametrize("size", [1, 3, 4, 8])
def test_reproduced_in_batches_of_any_size(artifact, lane, size):
    counting = Reduced(lane, 0.0)
    assert reproduce_golden(counting, artifact, size) == pytest.approx(1, abs=1e-6)
    assert max(counting.sizes) <= size
    assert sum(counting.sizes) == 4


def test_clips_are_reproduced_too(tmp_path):
    manifest = write_tiny_artifact(tmp_path, unit="clip")
    lane = open_onnx_lanes(graph_of(tmp_path, manifest), lanes=1, threads=1)[0]
    assert reproduce_golden(lane, open_artifact(tmp_path), 2) == pytest.approx(1, abs=1e-6)


def test_reduced_precision_is_held_to_0_999_where_the_manifest_asks_for_less(artifact, lane):
    lenient = asking(artifact, 0.9)
    assert least_cosine(lenient.manifest, "fp32") == 0.9
    assert least_cosine(lenient.manifest, "bf16") == 0.999
    with pytest.raises(ArtifactError) as refused:
        reproduce_golden(Reduced(lane, 0.1), lenient, 4)
    assert "with cosine 0.999 or more on made/up in bf16, received cosine 0.99" in str(
        refused.value
    )
    assert reproduce_golden(Reduced(lane, 0.02), lenient, 4) >= 0.999


def test_reduced_precision_gives_the_artifact_no_less_than_it_asks_for(artifact, lane):
    strict = asking(artifact, 0.99999)
    assert least_cosine(strict.manifest, "bf16") == 0.99999
    with pytest.raises(ArtifactError, match="0.99999 or more on made/up in bf16"):
        reproduce_golden(Reduced(lane, 0.02), strict, 4)


def test_backend_that_fails_is_told_with_its_words(artifact):
    class Fails:
        name, precision = "made/up", "fp32"

        def run(self, items):
            raise RuntimeError("no kernel")

    with pytest.raises(ArtifactError, match="received no embedding: no kernel; export"):
        reproduce_golden(Fails(), artifact, 4)
