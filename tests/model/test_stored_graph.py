import json

import pytest
from pydantic import ValidationError

from model.manifest import Manifest, model_fingerprint
from model.stored_graph import Graph
from tests.artifact_factory import write_tiny_artifact

ONNX = {"file": "model.onnx", "precision": "fp32", "batching_unit": "frame"}
IR = {**ONNX, "file": "model.xml", "format": "openvino", "weights_file": "model.bin"}


def test_a_graph_is_onnx_unless_it_says_otherwise():
    graph = Graph.model_validate(ONNX)
    assert graph.format == "onnx"
    assert graph.files == ("model.onnx",)


def test_an_ir_is_two_files():
    assert Graph.model_validate(IR).files == ("model.xml", "model.bin")


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        (IR | {"weights_file": None}, "expected a weights_file beside format 'openvino', received"),
        (ONNX | {"weights_file": "w"}, "expected no weights_file beside format 'onnx', received"),
        (IR | {"weights_file": "model.xml"}, "expected two files of graph and weights, received"),
        (ONNX | {"format": "tensorrt"}, "Input should be 'onnx' or 'openvino'"),
    ],
)
def test_format_and_files_agree(fields, told):
    with pytest.raises(ValidationError, match=told):
        Graph.model_validate(fields)


def as_ir(manifest):
    """The fields of `manifest`, with the golden clip taken for the weights of its graph."""
    fields = manifest.model_dump(mode="json")
    fields["graph"] |= {"format": "openvino", "weights_file": manifest.golden.clip}
    return fields


def test_the_fingerprint_covers_the_weights(tmp_path):
    """A gallery never mixes embeddings of one topology with two sets of weights."""
    manifest = write_tiny_artifact(tmp_path)
    fields = as_ir(manifest)
    with pytest.raises(ValidationError, match="expected fingerprint .* received"):
        Manifest.model_validate_json(json.dumps(fields))
    digests = manifest.files[manifest.graph.file], manifest.files[manifest.golden.clip]
    fields["model"]["fingerprint"] = model_fingerprint(
        digests[0].sha256, manifest.preprocessing, manifest.output, digests[1].sha256
    )
    graph = Manifest.model_validate_json(json.dumps(fields)).graph
    assert graph.files == (manifest.graph.file, manifest.golden.clip)


def test_weights_need_a_digest(tmp_path):
    fields = as_ir(write_tiny_artifact(tmp_path))
    fields["graph"]["weights_file"] = "model.bin"
    with pytest.raises(ValidationError, match="expected a digest of 'model.bin' in files"):
        Manifest.model_validate_json(json.dumps(fields))
