import numpy as np
import onnxruntime
import pytest

from service.inference import gpu_lanes
from service.inference.artifact import open_artifact
from service.inference.golden_clip import reproduce_golden
from service.inference.gpu_lanes import (
    cuda_options,
    engine_folder,
    open_gpu_lanes,
    tensorrt_options,
)
from service.inference.graph import ProviderError
from service.inference.onnx_backend import open_onnx_lanes
from tests.artifact_factory import write_tiny_artifact
from tests.inference_parts import drawn_frames, graph_of, plan_of

SIZES = (2, 4, 8)


@pytest.fixture
def graph(tmp_path):
    return graph_of(tmp_path, write_tiny_artifact(tmp_path))


@pytest.fixture
def made_up(monkeypatch):
    """Two devices and a TensorRT, neither of which can run anything."""
    monkeypatch.setattr(gpu_lanes, "gpu_names", lambda: ["Made Up 9 sm90", "Made Up 8 sm86"])
    monkeypatch.setattr(gpu_lanes, "tensorrt_version", lambda: "10.14.1")


def gpu_plan(**changes):
    return plan_of(**{"provider": "tensorrt", "batch_sizes": SIZES, **changes})


def test_the_profile_of_the_engine_is_the_batch_sizes(graph, tmp_path):
    options = tensorrt_options(graph, gpu_plan(), 1, tmp_path)
    assert options["trt_profile_min_shapes"] == "frames:2x64x32x3"
    assert options["trt_profile_opt_shapes"] == "frames:8x64x32x3"
    assert options["trt_profile_max_shapes"] == "frames:8x64x32x3"
    assert options["device_id"] == "1"


def test_the_profile_of_clips_has_their_frames(tmp_path):
    graph = graph_of(tmp_path, write_tiny_artifact(tmp_path, unit="clip"))
    options = tensorrt_options(graph, gpu_plan(), 0, tmp_path)
    assert options["trt_profile_max_shapes"] == "frames:8x4x64x32x3"


def test_engine_and_timings_are_kept_in_the_folder(graph, tmp_path):
    options = tensorrt_options(graph, gpu_plan(), 0, tmp_path)
    assert options["trt_engine_cache_enable"] == options["trt_timing_cache_enable"] == "1"
    assert options["trt_engine_cache_path"] == options["trt_timing_cache_path"] == str(tmp_path)


@pytest.mark.parametrize("precision", ["fp32", "fp16", "bf16", "int8"])
def test_only_the_precision_of_the_plan_is_enabled(graph, tmp_path, precision):
    options = tensorrt_options(graph, gpu_plan(precision=precision), 0, tmp_path)
    enabled = {name for name in ("fp16", "bf16", "int8") if options[f"trt_{name}_enable"] == "1"}
    assert enabled == {precision} - {"fp32"}


@pytest.mark.parametrize(("precision", "tf32"), [("fp32", "0"), ("tf32", "1"), ("fp16", "0")])
def test_cuda_rounds_to_tf32_only_where_the_plan_says_so(precision, tf32):
    options = cuda_options(plan_of(provider="cuda", precision=precision), 3)
    assert options == {
        "device_id": "3",
        "arena_extend_strategy": "kSameAsRequested",
        "use_tf32": tf32,
    }


def test_engines_of_another_model_gpu_version_precision_or_size_are_elsewhere(
    graph, tmp_path, made_up, monkeypatch
):
    other = tmp_path / "other"
    another = graph_of(other, write_tiny_artifact(other, seed=3))

    def folder(of=graph, gpu="Made Up 9 sm90", **changes):
        return engine_folder(of, gpu_plan(**changes), gpu, tmp_path)

    folders = [folder(), folder(another), folder(gpu="Made Up 9 sm86"), folder(precision="fp16")]
    folders.append(folder(batch_sizes=(2, 8)))
    monkeypatch.setattr(gpu_lanes, "tensorrt_version", lambda: "10.14.2")
    folders.append(folder())
    monkeypatch.setattr(onnxruntime, "__version__", "0.1")
    folders.append(folder())
    assert len(set(folders)) == 7
    assert folders[0].parent == tmp_path
    assert folders[0].name.startswith(f"{graph.sha256[:12]}-Made-Up-9-sm90-ort")


def test_each_device_gets_a_session_with_tensorrt_before_cuda(
    graph, tmp_path, made_up, monkeypatch
):
    asked = []

    def open_session(graph, *, threads, providers):
        asked.append([(name, options["device_id"]) for name, options in providers])
        return "a session"

    monkeypatch.setattr(gpu_lanes, "open_session", open_session)
    lanes = open_gpu_lanes(graph, gpu_plan(lanes=2, precision="fp16"), tmp_path / "engines")
    assert asked == [
        [("TensorrtExecutionProvider", number), ("CUDAExecutionProvider", number)]
        for number in ("0", "1")
    ]
    assert [lane.precision for lane in lanes] == ["fp16", "fp16"]
    assert len(list((tmp_path / "engines").iterdir())) == 2
    asked.clear()
    open_gpu_lanes(graph, gpu_plan(provider="cuda"), tmp_path)
    assert asked == [[("CUDAExecutionProvider", "0")]]


def test_a_build_of_the_runtime_without_the_provider_is_refused(graph, tmp_path, made_up):
    with pytest.raises(ProviderError, match="expected CUDAExecutionProvider of ONNX Runtime"):
        open_gpu_lanes(graph, gpu_plan(provider="cuda"), tmp_path)


@pytest.mark.gpu
@pytest.mark.parametrize(
    ("provider", "precision"),
    [("cuda", "fp32"), ("cuda", "tf32"), ("tensorrt", "fp32"), ("tensorrt", "fp16")],
)
def test_a_real_gpu_reproduces_the_golden_clip_and_keeps_its_engines(
    graph, tmp_path, provider, precision
):
    plan = plan_of(provider=provider, precision=precision, batch_sizes=SIZES)
    (lane,) = open_gpu_lanes(graph, plan, tmp_path / "engines")
    assert reproduce_golden(lane, open_artifact(tmp_path), SIZES[-1]) >= 0.9999
    rows = drawn_frames(5)
    expected = open_onnx_lanes(graph, lanes=1, threads=1)[0].run(rows)
    np.testing.assert_allclose(lane.run(rows), expected, rtol=0.01, atol=0.05)
    engines = list((tmp_path / "engines").rglob("*.engine"))
    assert bool(engines) is (provider == "tensorrt")
    lane.close()
