import pytest

from service.inference import lanes
from service.inference.lanes import open_lanes
from tests.artifact_factory import write_tiny_artifact
from tests.inference_parts import graph_of, plan_of


@pytest.mark.parametrize(
    ("provider", "name"),
    [("cpu", "onnxruntime/CPUExecutionProvider"), ("openvino", "openvino/CPU")],
)
def test_the_plan_decides_runtime_and_number(tmp_path, provider, name):
    graph = graph_of(tmp_path, write_tiny_artifact(tmp_path))
    opened = open_lanes(graph, plan_of(provider=provider, lanes=3), tmp_path)
    assert [lane.name for lane in opened] == [name] * 3
    assert {lane.precision for lane in opened} == {"fp32"}


@pytest.mark.parametrize("provider", ["cuda", "tensorrt"])
def test_gpus_get_the_plan_and_the_place_of_their_engines(tmp_path, monkeypatch, provider):
    given = []
    monkeypatch.setattr(lanes, "open_gpu_lanes", lambda *what: given.append(what) or ["a lane"])
    graph = graph_of(tmp_path, write_tiny_artifact(tmp_path))
    plan = plan_of(provider=provider)
    assert open_lanes(graph, plan, tmp_path) == ["a lane"]
    assert given == [(graph, plan, tmp_path)]
