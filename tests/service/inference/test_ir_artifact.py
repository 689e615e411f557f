"""An artifact whose graph is an OpenVINO IR: run by OpenVINO alone, from the verified bytes."""

import numpy as np
import pytest

from model.manifest import ArtifactError
from service.inference.artifact import open_artifact
from service.inference.candidate_plans import InferenceChoice
from service.inference.golden_clip import reproduce_golden
from service.inference.graph import ProviderError, read_graph
from service.inference.known_plans import KnownPlans
from service.inference.lanes import open_lanes
from service.inference.onnx_backend import open_onnx_lanes
from service.inference.openvino_backend import open_openvino_lanes
from service.inference.plan_choice import ChosenPlan, PlanChoice
from tests.artifact_factory import write_tiny_artifact
from tests.inference_parts import drawn_frames, graph_of, plan_of, unheard
from tests.ir_artifact import save_ir_manifest, write_tiny_ir_artifact

TOLD = "expected OpenVINO to run graph.xml, which is an IR of it, received the provider"


@pytest.fixture
def artifact(tmp_path):
    write_tiny_ir_artifact(tmp_path / "ir")
    return open_artifact(tmp_path / "ir")


def lane_of(graph):
    return open_openvino_lanes(graph, lanes=1, threads=1, precision="fp32")[0]


def choice_of(artifact, tmp_path, **stated):
    graph = read_graph(artifact)
    choice = InferenceChoice(**stated)
    return PlanChoice(artifact, graph, choice, engine_dir=tmp_path, report=unheard)


def test_it_gives_the_features_of_the_onnx_graph_it_came_from(artifact, tmp_path):
    onnx_graph = graph_of(tmp_path / "onnx", write_tiny_artifact(tmp_path / "onnx"))
    expected = open_onnx_lanes(onnx_graph, lanes=1, threads=1)[0].run(drawn_frames(7))
    lane = lane_of(read_graph(artifact))
    features = lane.run(drawn_frames(7))
    np.testing.assert_allclose(features, expected, rtol=1e-2, atol=1e-2)
    assert reproduce_golden(lane, artifact, 2) >= 0.9999


def test_what_runs_is_what_was_verified_whatever_becomes_of_the_files(artifact):
    graph = read_graph(artifact)
    for name in artifact.manifest.graph.files:
        (artifact.directory / name).write_bytes(b"another")
    assert np.isfinite(lane_of(graph).run(drawn_frames(2))).all()


@pytest.mark.parametrize("name", ["graph.xml", "graph.bin"])
def test_a_file_that_changed_after_the_check_is_refused(artifact, name):
    path = artifact.directory / name
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(ArtifactError, match=f"expected .*{name} with sha256 .*; copy or export"):
        read_graph(artifact)


def test_auto_takes_openvino(artifact, tmp_path):
    chosen = choice_of(artifact, tmp_path, lanes=1, threads=1, largest_batch=1).best()
    assert chosen.plan.provider == "openvino"
    assert {one.plan.provider for one in chosen.measured} == {"openvino"}


@pytest.mark.parametrize("provider", ["cpu", "cuda", "tensorrt"])
def test_another_provider_is_refused_with_a_remedy(artifact, tmp_path, provider):
    told = f"{TOLD} {provider}, which runs ONNX graphs; unset REID_INFERENCE_PROVIDER, or import"
    with pytest.raises(ProviderError, match=told):
        choice_of(artifact, tmp_path, provider=provider).best()


def test_onnx_runtime_is_never_given_an_ir(artifact, tmp_path):
    with pytest.raises(ProviderError, match=f"{TOLD} CPUExecutionProvider"):
        open_lanes(read_graph(artifact), plan_of(provider="cpu"), tmp_path)


def test_plans_are_remembered_for_graph_and_weights_together(artifact, tmp_path):
    """Weights of another training are another model, though the graph's file is the same."""
    known, choice = KnownPlans(tmp_path / "plans"), InferenceChoice()
    graph = read_graph(artifact)
    known.keep(graph, choice, ChosenPlan(plan_of(provider="openvino"), ()))
    assert known.recall(graph, choice) is not None
    weights = artifact.directory / "graph.bin"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    save_ir_manifest(artifact.directory, artifact.manifest, artifact.manifest.graph)
    other = read_graph(open_artifact(artifact.directory))
    assert other.content == graph.content
    assert other.sha256 != graph.sha256
    assert known.recall(other, choice) is None


@pytest.mark.parametrize(
    ("section", "change", "told"),
    [
        ("input", {"name": "pixels"}, r"only input to be pixels u8 \[any, 64, 32, 3\], received f"),
        ("output", {"name": "row"}, r"only output to be row f32 \[any, 20\], received features"),
    ],
)
def test_a_graph_that_disagrees_with_its_manifest_is_refused(artifact, section, change, told):
    stated = getattr(artifact.manifest, section).model_copy(update=change)
    other = artifact.manifest.model_copy(update={section: stated})
    save_ir_manifest(artifact.directory, other, other.graph)
    with pytest.raises(ArtifactError, match=told):
        lane_of(read_graph(open_artifact(artifact.directory)))


def test_weights_that_are_cut_short_are_refused(artifact):
    weights = artifact.directory / "graph.bin"
    weights.write_bytes(weights.read_bytes()[:100])
    save_ir_manifest(artifact.directory, artifact.manifest, artifact.manifest.graph)
    with pytest.raises(
        ProviderError, match=r"(?s)expected OpenVINO to compile .*graph.xml.*import"
    ):
        lane_of(read_graph(open_artifact(artifact.directory)))
