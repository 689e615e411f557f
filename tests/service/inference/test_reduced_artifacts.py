"""Artifacts in fp16 and INT8 are served, in the precision that they are in and by its bound."""

import onnx
import pytest

from model.manifest import file_digest, model_fingerprint, save_manifest
from service.inference.artifact import open_artifact
from service.inference.golden_clip import least_cosine, reproduce_golden
from service.inference.onnx_backend import open_onnx_lanes
from service.inference.openvino_backend import open_openvino_lanes
from tests.artifact_factory import write_tiny_artifact
from tests.inference_parts import graph_of
from training.export.reduced import reduced

BOUNDS = {"fp16": 0.999, "int8": 0.98}


@pytest.mark.parametrize("precision", BOUNDS)
def test_served_in_its_own_precision_by_its_own_bound(tmp_path, precision):
    manifest = reduced_artifact(tmp_path, precision)
    artifact, graph = open_artifact(tmp_path), graph_of(tmp_path, manifest)
    for lanes in (
        open_onnx_lanes(graph, lanes=1, threads=1),
        open_openvino_lanes(graph, lanes=1, threads=1, precision=precision),
    ):
        assert lanes[0].precision == precision
        assert BOUNDS[precision] < reproduce_golden(lanes[0], artifact, 4) < 1
    assert least_cosine(manifest, precision) == BOUNDS[precision]


def reduced_artifact(directory, precision):
    """The tiny artifact with its graph in another precision, and the golden of before."""
    manifest = write_tiny_artifact(directory)
    path = directory / manifest.graph.file
    onnx.save(reduced(onnx.load(path), precision), path)
    digest = file_digest(path)
    fingerprint = model_fingerprint(digest.sha256, manifest.preprocessing, manifest.output)
    changed = manifest.model_copy(
        update={
            "model": manifest.model.model_copy(update={"fingerprint": fingerprint}),
            "graph": manifest.graph.model_copy(update={"precision": precision}),
            "files": {**manifest.files, manifest.graph.file: digest},
            "golden": manifest.golden.model_copy(update={"least_cosine": BOUNDS[precision]}),
        }
    )
    save_manifest(directory, changed)
    return changed
