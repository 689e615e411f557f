import shutil

import numpy as np
import pytest

from service.doctor.model import check_artifact, check_inference


@pytest.fixture
def copied(artifact_dir, tmp_path):
    return shutil.copytree(artifact_dir, tmp_path / "artifact")


def test_a_whole_artifact_reproduces_its_golden_clip(settings):
    artifact, inference = check_artifact(settings()), check_inference(settings())
    assert artifact.state == inference.state == "ok"
    assert artifact.found.startswith("tiny 1, ")
    assert inference.found.startswith("1 lanes of onnxruntime/CPUExecutionProvider in fp32 ")
    assert inference.found.endswith(" reproduce the golden clip with cosine 1.000000")


def test_what_is_measured_makes_no_data_directory(settings, tmp_path):
    assert check_inference(settings(data_dir=tmp_path / "none", inference_provider="auto")).state
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_is_named(settings, copied):
    graph = copied / "graph.onnx"
    graph.write_bytes(graph.read_bytes()[:-1] + b"?")
    for check in (check_artifact, check_inference):
        finding = check(settings(artifact_dir=copied))
        assert finding.state == "fail"
        assert finding.found.startswith("expected 'graph.onnx' with sha256 ")
        assert finding.remedy == "copy or export the artifact again"


def test_a_runtime_that_computes_otherwise_is_found_out(settings, monkeypatch):
    monkeypatch.setattr(
        "service.inference.golden_clip.pool_embedding",
        lambda features, output: -np.ones(20, np.float32) / np.sqrt(20),
    )
    finding = check_inference(settings())
    assert finding.state == "fail"
    assert "to reproduce its golden clip" in finding.found
