import os
import subprocess
import sys

import numpy as np
import onnx
import pytest

from model.manifest import ArtifactError
from service.inference import openvino_backend
from service.inference.graph import ProviderError
from service.inference.onnx_backend import open_onnx_lanes
from service.inference.openvino_backend import open_openvino_lanes, reduced_precisions
from tests.artifact_factory import tiny_graph, tiny_manifest, write_tiny_artifact
from tests.inference_parts import drawn_frames, graph_of


@pytest.fixture
def graph(tmp_path):
    return graph_of(tmp_path, write_tiny_artifact(tmp_path))


def lanes_of(graph, lanes=1, threads=1, precision="fp32"):
    return open_openvino_lanes(graph, lanes=lanes, threads=threads, precision=precision)


@pytest.mark.parametrize("count", [1, 2, 7, 33])
def test_gives_what_the_other_runtime_gives(graph, count):
    rows = drawn_frames(count)

    features = lanes_of(graph)[0].run(rows)

    assert features.dtype == np.float32
    expected = open_onnx_lanes(graph, lanes=1, threads=1)[0].run(rows)
    np.testing.assert_allclose(features, expected, rtol=1e-4, atol=1e-4)


def test_clips(tmp_path):
    graph = graph_of(tmp_path, write_tiny_artifact(tmp_path, unit="clip"))
    clips = drawn_frames(12).reshape(3, 4, 64, 32, 3)

    features = lanes_of(graph)[0].run(clips)

    expected = open_onnx_lanes(graph, lanes=1, threads=1)[0].run(clips)
    np.testing.assert_allclose(features, expected, rtol=1e-4, atol=1e-4)


def test_features_outlive_the_next_batch(graph):
    backend = lanes_of(graph)[0]
    first = backend.run(drawn_frames(2, 1))
    kept = first.copy()
    backend.run(drawn_frames(2, 2))

    np.testing.assert_array_equal(first, kept)


def test_rows_in_any_memory_order_are_taken(graph):
    backend = lanes_of(graph)[0]
    rows = drawn_frames(4)

    np.testing.assert_array_equal(backend.run(rows[::-1]), backend.run(rows)[::-1])


def test_each_lane_has_a_request_of_its_own(graph):
    lanes = lanes_of(graph, lanes=2)

    assert lanes[0]._request is not lanes[1]._request
    np.testing.assert_array_equal(lanes[0].run(drawn_frames(3)), lanes[1].run(drawn_frames(3)))


def test_name_and_precision_say_what_runs(graph):
    backend = lanes_of(graph)[0]

    assert (backend.name, backend.precision) == ("openvino/CPU", "fp32")


def test_every_reduced_precision_of_this_cpu_runs_and_every_other_is_refused(graph):
    """bf16 and fp16 run only on CPUs that have instructions for them."""
    exact = lanes_of(graph)[0].run(drawn_frames(3))
    for precision, hint in (("bf16", "bf16"), ("fp16", "f16")):
        if precision in reduced_precisions():
            backend = lanes_of(graph, precision=precision)[0]
            assert backend.precision == precision
            np.testing.assert_allclose(backend.run(drawn_frames(3)), exact, rtol=0.1, atol=1)
        else:
            with pytest.raises(ProviderError) as refused:
                lanes_of(graph, precision=precision)
            assert str(refused.value) == (
                f"expected OpenVINO to compute in {hint}, received f32 on this CPU; "
                "unset REID_INFERENCE_PRECISION"
            )


def test_weights_outside_the_graph_are_refused_also_beside_the_working_directory(
    tmp_path, monkeypatch
):
    write_tiny_artifact(tmp_path)
    onnx.save_model(
        tiny_graph(height=64, width=32, seed=0),
        tmp_path / "graph.onnx",
        save_as_external_data=True,
        location="weights.bin",
        size_threshold=1000,
    )
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ArtifactError, match="expected one self-contained ONNX graph in"):
        lanes_of(graph_of(tmp_path, tiny_manifest(tmp_path, height=64, width=32)))


def test_graph_that_it_cannot_compile_is_refused(graph, monkeypatch):
    class Fails:
        def Core(self):  # noqa: N802 - the runtime's name
            raise RuntimeError("no kernel for this")

    monkeypatch.setattr(openvino_backend, "_runtime", Fails)

    with pytest.raises(ProviderError) as refused:
        lanes_of(graph)
    assert str(refused.value) == (
        f"expected OpenVINO to compile {graph.path}, received: no kernel for this; "
        "choose REID_INFERENCE_PROVIDER=cpu"
    )


def test_nothing_is_told_to_its_maker(tmp_path):
    """On import the package would send an event and write into the home directory."""
    script = (
        "import sys; from service.inference.openvino_backend import reduced_precisions;"
        "reduced_precisions();"
        "print(sorted(name for name in sys.modules if 'telemetry' in name and 'openvino' in name))"
    )
    told = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "HOME": str(tmp_path), "ORT_DISABLE_TELEMETRY": "1"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert told.stdout == "[]\n"
    assert list(tmp_path.iterdir()) == []
