import gc

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from model.manifest import ArtifactError, Manifest
from service.inference.artifact import open_artifact
from service.inference.graph import ProviderError, open_session, read_graph
from tests.artifact_factory import tiny_graph, tiny_manifest, write_tiny_artifact
from tests.inference_parts import graph_of

CUDA = ("CUDAExecutionProvider", {})


@pytest.fixture
def manifest(tmp_path):
    return write_tiny_artifact(tmp_path)


def session_of(directory, manifest, *, threads=1):
    return open_session(graph_of(directory, manifest), threads=threads)


def rewrite(directory, change) -> Manifest:
    """Change the graph and describe it as if nothing had happened."""
    graph = onnx.load_model(directory / "graph.onnx")
    change(graph)
    onnx.save_model(graph, directory / "graph.onnx")
    return tiny_manifest(directory, height=64, width=32)


def test_a_provider_that_this_build_has_not_is_refused(tmp_path, manifest):
    with pytest.raises(ProviderError) as refused:
        open_session(graph_of(tmp_path, manifest), threads=1, providers=[CUDA])
    found = ", ".join(onnxruntime.get_available_providers())
    assert str(refused.value) == (
        f"expected CUDAExecutionProvider of ONNX Runtime, received {found}; serve with the "
        "image for GPUs on a machine with one, or unset REID_INFERENCE_PROVIDER"
    )


def test_a_runtime_that_quietly_takes_the_cpu_is_refused(tmp_path, manifest, monkeypatch):
    """What onnxruntime-gpu does on a machine without a driver: it warns and goes on."""
    original, cpu = onnxruntime.InferenceSession, ["CPUExecutionProvider"]
    providers = ["CUDAExecutionProvider", *cpu]
    asked = []

    def fallen_back(content, options, **rest):
        asked.append(rest["providers"])
        return original(content, options, providers=cpu)

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: providers)
    monkeypatch.setattr(onnxruntime, "InferenceSession", fallen_back)
    with pytest.raises(ProviderError, match="received CPUExecutionProvider; serve with"):
        open_session(graph_of(tmp_path, manifest), threads=1, providers=[CUDA])
    assert asked == [[CUDA]]


def test_a_provider_that_runs_no_part_of_the_graph_is_refused(tmp_path, manifest, monkeypatch):
    """What TensorRT does with a graph that it cannot compile: the next provider runs it all."""
    wanted, cpu = "TensorrtExecutionProvider", "CPUExecutionProvider"
    original = onnxruntime.InferenceSession

    class Elsewhere(original):
        def get_providers(self):
            return [wanted, cpu]

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [wanted, cpu])
    monkeypatch.setattr(
        onnxruntime,
        "InferenceSession",
        lambda content, options, **rest: Elsewhere(content, options, providers=[cpu]),
    )
    with pytest.raises(ProviderError) as refused:
        open_session(graph_of(tmp_path, manifest), threads=1, providers=[(wanted, {})])
    assert str(refused.value) == (
        f"expected {wanted} to run the graph, received a graph that runs on {cpu}; "
        "choose another REID_INFERENCE_PROVIDER"
    )


def test_the_runtime_reports_to_nobody(tmp_path, manifest, monkeypatch):
    calls = []
    monkeypatch.setattr(onnxruntime, "disable_telemetry_events", lambda: calls.append(1))
    session_of(tmp_path, manifest)
    assert calls == [1]


def test_threads_do_not_spin_and_no_memory_plan_is_kept(tmp_path, manifest, monkeypatch):
    seen = []
    original = onnxruntime.InferenceSession

    def spied(content, options, **rest):
        seen.append(
            (
                options.intra_op_num_threads,
                options.inter_op_num_threads,
                options.enable_mem_pattern,
                options.get_session_config_entry("session.intra_op.allow_spinning"),
            )
        )
        return original(content, options, **rest)

    monkeypatch.setattr(onnxruntime, "InferenceSession", spied)
    session_of(tmp_path, manifest, threads=3)

    assert seen == [(3, 1, False, "0")]


def test_graph_that_changed_after_the_check_is_refused(tmp_path, manifest):
    artifact = open_artifact(tmp_path)
    onnx.save_model(tiny_graph(height=64, width=32, seed=9), tmp_path / "graph.onnx")

    with pytest.raises(ArtifactError, match=r"expected .*graph.onnx with sha256 .*, received .*;"):
        read_graph(artifact)


def test_graph_is_what_was_verified_whatever_becomes_of_its_file(tmp_path, manifest):
    graph = read_graph(open_artifact(tmp_path))
    graph.path.write_bytes(b"another")

    assert open_session(graph, threads=1).get_inputs()[0].name == "frames"
    assert graph.sha256 == manifest.files["graph.onnx"].sha256
    assert graph.item_shape == (64, 32, 3)


def test_graph_of_clips_takes_clips_of_the_manifests_length(tmp_path):
    manifest = write_tiny_artifact(tmp_path, unit="clip")
    graph = graph_of(tmp_path, manifest)

    assert graph.item_shape == (4, 64, 32, 3)
    features = open_session(graph, threads=1).run(
        None, {"frames": np.zeros((2, 4, 64, 32, 3), np.uint8)}
    )
    assert features[0].shape == (2, 20)

    longer = manifest.preprocessing.model_copy(update={"frames_per_clip": 5})
    other = graph_of(tmp_path, manifest.model_copy(update={"preprocessing": longer}))
    with pytest.raises(
        ArtifactError, match=r"\[any, 5, 64, 32, 3\], received .*\[any, 4, 64, 32, 3\]"
    ):
        open_session(other, threads=1)


def test_file_that_is_no_graph_is_refused(tmp_path, manifest):
    (tmp_path / "graph.onnx").write_bytes(b"no graph")
    described = tiny_manifest(tmp_path, height=64, width=32)

    with pytest.raises(ArtifactError, match="expected one self-contained ONNX graph in"):
        session_of(tmp_path, described)


def test_weights_outside_the_graph_are_refused(tmp_path, manifest, monkeypatch):
    graph = onnx.load_model(tmp_path / "graph.onnx")
    onnx.save_model(
        graph,
        tmp_path / "graph.onnx",
        save_as_external_data=True,
        location="weights.bin",
        size_threshold=1000,
    )
    del graph
    gc.collect()
    described = tiny_manifest(tmp_path, height=64, width=32)
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ArtifactError) as refusal:
        session_of(tmp_path, described)

    assert str(refusal.value).startswith("expected one self-contained ONNX graph in")
    assert str(refusal.value).endswith("export the artifact again without external data")


def test_input_of_another_name(tmp_path, manifest):
    def rename(model):
        model.graph.input[0].name = "images"
        model.graph.node[0].input[0] = "images"

    with pytest.raises(ArtifactError) as refusal:
        session_of(tmp_path, rewrite(tmp_path, rename))

    assert str(refusal.value) == (
        "expected the graph's only input to be frames tensor(uint8) [any, 64, 32, 3], "
        "received images tensor(uint8) [any, 64, 32, 3]; export the artifact again"
    )


def test_input_of_another_type(tmp_path, manifest):
    def retype(model):
        model.graph.input[0].type.tensor_type.elem_type = TensorProto.INT8

    with pytest.raises(ArtifactError, match=r"received frames tensor\(int8\) \[any, 64, 32, 3\]"):
        session_of(tmp_path, rewrite(tmp_path, retype))


@pytest.mark.parametrize(
    ("axis", "size", "received"),
    [(0, 8, r"\[8, 64, 32, 3\]"), (1, 32, r"\[any, 32, 32, 3\]"), (3, 4, r"\[any, 64, 32, 4\]")],
)
def test_input_of_another_shape(tmp_path, manifest, axis, size, received):
    def reshape(model):
        model.graph.input[0].type.tensor_type.shape.dim[axis].dim_value = size

    with pytest.raises(ArtifactError, match=rf"received frames tensor\(uint8\) {received}"):
        session_of(tmp_path, rewrite(tmp_path, reshape))


def test_second_input(tmp_path, manifest):
    def add(model):
        model.graph.input.append(helper.make_tensor_value_info("more", TensorProto.FLOAT, [1]))

    with pytest.raises(ArtifactError, match=r"only input .* received frames .*, more tensor"):
        session_of(tmp_path, rewrite(tmp_path, add))


def test_second_output(tmp_path, manifest):
    def add(model):
        model.graph.output.append(
            helper.make_tensor_value_info("row", TensorProto.FLOAT, ["n", 24])
        )

    with pytest.raises(ArtifactError, match=r"only output .* received features .*, row tensor"):
        session_of(tmp_path, rewrite(tmp_path, add))


def test_output_of_another_name(tmp_path, manifest):
    def rename(model):
        model.graph.output[0].name = "embeddings"
        model.graph.node[-1].output[0] = "embeddings"

    with pytest.raises(ArtifactError, match=r"only output to be features .* received embeddings"):
        session_of(tmp_path, rewrite(tmp_path, rename))


def test_output_of_another_dimension(tmp_path, manifest):
    wider = manifest.output.model_copy(update={"dimension": 21})

    with pytest.raises(ArtifactError, match=r"\[any, 21\], received features .* \[any, 20\]"):
        session_of(tmp_path, manifest.model_copy(update={"output": wider}))


def test_output_of_another_type(tmp_path, manifest):
    def double(model):
        model.graph.node[-1].output[0] = "single"
        model.graph.node.append(
            helper.make_node("Cast", ["single"], ["features"], to=TensorProto.DOUBLE)
        )
        model.graph.output[0].type.tensor_type.elem_type = TensorProto.DOUBLE

    with pytest.raises(ArtifactError, match=r"received features tensor\(double\)"):
        session_of(tmp_path, rewrite(tmp_path, double))
