"""With buffers in main memory; the same calls bind a GPU's, which test_gpu_lanes.py runs on one."""

import numpy as np
import pytest

from service.inference.bound_backend import BoundBackend, Device
from service.inference.graph import open_session
from service.inference.onnx_backend import open_onnx_lanes
from tests.artifact_factory import write_tiny_artifact
from tests.inference_parts import drawn_frames, graph_of


@pytest.fixture
def graph(tmp_path):
    return graph_of(tmp_path, write_tiny_artifact(tmp_path))


@pytest.fixture
def backend(graph):
    made = BoundBackend(
        open_session(graph, threads=1),
        graph,
        precision="fp32",
        batch_sizes=(2, 4),
        device=Device("cpu"),
    )
    yield made
    made.close()


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_gives_what_an_unbound_session_gives(graph, backend, count):
    rows = drawn_frames(count)
    features = backend.run(rows)

    assert features.shape == (count, 20)
    assert features.dtype == np.float32
    expected = open_onnx_lanes(graph, lanes=1, threads=1)[0].run(rows)
    np.testing.assert_allclose(features, expected, rtol=1e-5, atol=1e-5)


def test_features_outlive_the_next_batch(backend):
    first = backend.run(drawn_frames(2, 1))
    kept = first.copy()
    backend.run(drawn_frames(2, 2))

    np.testing.assert_array_equal(first, kept)


def test_rows_of_a_fuller_batch_do_not_stay_in_the_next(backend):
    backend.run(np.full((4, 64, 32, 3), 255, np.uint8))
    alone = backend.run(drawn_frames(3))

    np.testing.assert_allclose(alone[2:], backend.run(drawn_frames(3)[2:]), rtol=1e-5, atol=1e-5)
    assert not backend._bindings[4].host[3].any()


def test_memory_is_bound_once_for_each_size(backend):
    for count in (1, 2, 3, 4, 1, 3):
        backend.run(drawn_frames(count))
    assert sorted(backend._bindings) == [2, 4]


@pytest.mark.parametrize(
    ("shape", "received"),
    [((5, 64, 32, 3), r"\[5, 64, 32, 3\]"), ((1, 32, 64, 3), r"\[1, 32, 64, 3\]")],
)
def test_more_than_the_largest_batch_and_another_shape_are_refused(backend, shape, received):
    with pytest.raises(ValueError, match=rf"at most 4 items \[64, 32, 3\], received {received}; "):
        backend.run(np.zeros(shape, np.uint8))


def test_name_says_provider_and_device(backend):
    assert backend.name == "onnxruntime/CPUExecutionProvider:0"
    assert backend.precision == "fp32"


def test_clips(tmp_path):
    graph = graph_of(tmp_path, write_tiny_artifact(tmp_path, unit="clip"))
    backend = BoundBackend(
        open_session(graph, threads=1),
        graph,
        precision="fp32",
        batch_sizes=(1, 2),
        device=Device("cpu"),
    )
    clips = drawn_frames(8).reshape(2, 4, 64, 32, 3)
    expected = open_onnx_lanes(graph, lanes=1, threads=1)[0].run(clips)
    np.testing.assert_allclose(backend.run(clips), expected, rtol=1e-5, atol=1e-5)
