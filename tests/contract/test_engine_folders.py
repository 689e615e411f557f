"""Training and serving name an engine's folder by one rule, without importing each other."""

import onnxruntime
import pytest

from service.inference import candidate_plans, gpu_lanes
from tests.artifact_factory import write_tiny_artifact
from tests.inference_parts import graph_of, plan_of
from training.export.engine_key import EngineKey
from training.export.to_tensorrt import DEFAULT_BATCHES


@pytest.mark.parametrize("precision", ["fp32", "fp16", "bf16", "int8"])
def test_both_name_the_same_folder(tmp_path, monkeypatch, precision):
    monkeypatch.setattr(gpu_lanes, "tensorrt_version", lambda: "10.13.0")
    graph = graph_of(tmp_path, write_tiny_artifact(tmp_path))
    plan = plan_of(provider="tensorrt", precision=precision, batch_sizes=(2, 4, 8))
    served = gpu_lanes.engine_folder(graph, plan, "Made Up 9 sm90", tmp_path)
    runtime = f"ort{onnxruntime.__version__}-trt10.13.0"
    key = EngineKey(graph.sha256, "Made Up 9 sm90", runtime, precision, (2, 4, 8))
    assert key.folder(tmp_path) == served


def test_both_have_the_same_batches():
    assert dict(DEFAULT_BATCHES) == candidate_plans.GPU_BATCHES
