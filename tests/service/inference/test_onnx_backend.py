import gc

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from model.manifest import ArtifactError, Manifest
from service.inference import onnx_backend
from service.inference.onnx_backend import OnnxBackend, ProviderError
from tests.artifact_factory import tiny_graph, tiny_manifest, write_tiny_artifact


@pytest.fixture
def manifest(tmp_path):
    return write_tiny_artifact(tmp_path)


def backend_of(directory, manifest, *, threads=1):
    return OnnxBackend(directory / manifest.graph.file, manifest, threads=threads)


def frames(count, seed=7):
    return np.random.default_rng(seed).integers(0, 256, (count, 64, 32, 3), dtype=np.uint8)


def rewrite(directory, change) -> Manifest:
    """Change the graph and describe it as if nothing had happened."""
    graph = onnx.load_model(directory / "graph.onnx")
    change(graph)
    onnx.save_model(graph, directory / "graph.onnx")
    return tiny_manifest(directory, height=64, width=32)


@pytest.mark.parametrize("count", [1, 2, 7, 64])
def test_batch_equals_singles(tmp_path, manifest, count):
    backend = backend_of(tmp_path, manifest)
    rows = frames(count)

    together = backend.run(rows)

    assert together.shape == (count, 20)
    assert together.dtype == np.float32
    singles = np.concatenate([backend.run(row[None]) for row in rows])
    np.testing.assert_allclose(together, singles, rtol=1e-5, atol=1e-5)


def test_rows_in_another_order_give_features_in_that_order(tmp_path, manifest):
    backend = backend_of(tmp_path, manifest)
    rows = frames(7)

    np.testing.assert_allclose(backend.run(rows[::-1]), backend.run(rows)[::-1], rtol=1e-5)


def test_name_says_what_really_runs(tmp_path, manifest):
    assert backend_of(tmp_path, manifest).name == "onnxruntime/CPUExecutionProvider"


def test_a_provider_that_this_build_has_not_is_refused(tmp_path, manifest):
    with pytest.raises(ProviderError) as refused:
        OnnxBackend(tmp_path / manifest.graph.file, manifest, threads=1, provider="cuda")
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
        OnnxBackend(tmp_path / manifest.graph.file, manifest, threads=1, provider="cuda")
    assert asked == [["CUDAExecutionProvider"]]


def test_the_runtime_reports_to_nobody(tmp_path, manifest, monkeypatch):
    calls = []
    monkeypatch.setattr(onnxruntime, "disable_telemetry_events", lambda: calls.append(1))
    backend_of(tmp_path, manifest)
    assert calls == [1]


@pytest.mark.parametrize(("asked", "given"), [(0, 3), (1, 1), (2, 2)])
def test_zero_threads_are_the_usable_cores(tmp_path, manifest, monkeypatch, asked, given):
    monkeypatch.setattr(onnx_backend, "usable_cores", lambda: 3)
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
    backend_of(tmp_path, manifest, threads=asked)

    assert seen == [(given, 1, False, "0")]


def test_graph_that_changed_after_the_check_is_refused(tmp_path, manifest):
    onnx.save_model(tiny_graph(height=64, width=32, seed=9), tmp_path / "graph.onnx")

    with pytest.raises(ArtifactError, match=r"expected .*graph.onnx with sha256 .*, received"):
        backend_of(tmp_path, manifest)


def test_file_that_is_no_graph_is_refused(tmp_path, manifest):
    (tmp_path / "graph.onnx").write_bytes(b"no graph")
    described = tiny_manifest(tmp_path, height=64, width=32)

    with pytest.raises(ArtifactError, match="expected one self-contained ONNX graph in"):
        backend_of(tmp_path, described)


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
        backend_of(tmp_path, described)

    assert str(refusal.value).startswith("expected one self-contained ONNX graph in")
    assert str(refusal.value).endswith("export the artifact again without external data")


def test_input_of_another_name(tmp_path, manifest):
    def rename(model):
        model.graph.input[0].name = "images"
        model.graph.node[0].input[0] = "images"

    with pytest.raises(ArtifactError) as refusal:
        backend_of(tmp_path, rewrite(tmp_path, rename))

    assert str(refusal.value) == (
        "expected the graph's only input to be frames tensor(uint8) [any, 64, 32, 3], "
        "received images tensor(uint8) [any, 64, 32, 3]; export the artifact again"
    )


def test_input_of_another_type(tmp_path, manifest):
    def retype(model):
        model.graph.input[0].type.tensor_type.elem_type = TensorProto.INT8

    with pytest.raises(ArtifactError, match=r"received frames tensor\(int8\) \[any, 64, 32, 3\]"):
        backend_of(tmp_path, rewrite(tmp_path, retype))


@pytest.mark.parametrize(
    ("axis", "size", "received"),
    [(0, 8, r"\[8, 64, 32, 3\]"), (1, 32, r"\[any, 32, 32, 3\]"), (3, 4, r"\[any, 64, 32, 4\]")],
)
def test_input_of_another_shape(tmp_path, manifest, axis, size, received):
    def reshape(model):
        model.graph.input[0].type.tensor_type.shape.dim[axis].dim_value = size

    with pytest.raises(ArtifactError, match=rf"received frames tensor\(uint8\) {received}"):
        backend_of(tmp_path, rewrite(tmp_path, reshape))


def test_second_input(tmp_path, manifest):
    def add(model):
        model.graph.input.append(helper.make_tensor_value_info("more", TensorProto.FLOAT, [1]))

    with pytest.raises(ArtifactError, match=r"only input .* received frames .*, more tensor"):
        backend_of(tmp_path, rewrite(tmp_path, add))


def test_second_output(tmp_path, manifest):
    def add(model):
        model.graph.output.append(
            helper.make_tensor_value_info("row", TensorProto.FLOAT, ["n", 24])
        )

    with pytest.raises(ArtifactError, match=r"only output .* received features .*, row tensor"):
        backend_of(tmp_path, rewrite(tmp_path, add))


def test_output_of_another_name(tmp_path, manifest):
    def rename(model):
        model.graph.output[0].name = "embeddings"
        model.graph.node[-1].output[0] = "embeddings"

    with pytest.raises(ArtifactError, match=r"only output to be features .* received embeddings"):
        backend_of(tmp_path, rewrite(tmp_path, rename))


def test_output_of_another_dimension(tmp_path, manifest):
    wider = manifest.output.model_copy(update={"dimension": 21})

    with pytest.raises(ArtifactError, match=r"\[any, 21\], received features .* \[any, 20\]"):
        backend_of(tmp_path, manifest.model_copy(update={"output": wider}))


def test_output_of_another_type(tmp_path, manifest):
    def double(model):
        model.graph.node[-1].output[0] = "single"
        model.graph.node.append(
            helper.make_node("Cast", ["single"], ["features"], to=TensorProto.DOUBLE)
        )
        model.graph.output[0].type.tensor_type.elem_type = TensorProto.DOUBLE

    with pytest.raises(ArtifactError, match=r"received features tensor\(double\)"):
        backend_of(tmp_path, rewrite(tmp_path, double))
