from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from service.inference.onnx_backend import open_onnx_lanes
from tests.artifact_factory import write_tiny_artifact
from tests.inference_parts import drawn_frames, graph_of


@pytest.fixture
def graph(tmp_path):
    return graph_of(tmp_path, write_tiny_artifact(tmp_path))


def one_lane(graph):
    return open_onnx_lanes(graph, lanes=1, threads=1)[0]


@pytest.mark.parametrize("count", [1, 2, 7, 64])
def test_batch_equals_singles(graph, count):
    backend = one_lane(graph)
    rows = drawn_frames(count)

    together = backend.run(rows)

    assert together.shape == (count, 20)
    assert together.dtype == np.float32
    singles = np.concatenate([backend.run(row[None]) for row in rows])
    np.testing.assert_allclose(together, singles, rtol=1e-5, atol=1e-5)


def test_rows_in_another_order_give_features_in_that_order(graph):
    backend = one_lane(graph)
    rows = drawn_frames(7)

    np.testing.assert_allclose(backend.run(rows[::-1]), backend.run(rows)[::-1], rtol=1e-5)


def test_name_and_precision_say_what_really_runs(graph):
    backend = one_lane(graph)

    assert backend.name == "onnxruntime/CPUExecutionProvider"
    assert backend.precision == "fp32"


def test_lanes_of_one_thread_share_the_weights_and_lanes_of_more_share_no_pool(graph):
    shared = open_onnx_lanes(graph, lanes=3, threads=1)
    apart = open_onnx_lanes(graph, lanes=3, threads=2)

    assert len({id(lane._session) for lane in shared}) == 1
    assert len({id(lane._session) for lane in apart}) == 3


def test_lanes_run_at_once_and_each_gets_its_own_features(graph):
    lanes = open_onnx_lanes(graph, lanes=4, threads=1)
    batches = [drawn_frames(5, seed) for seed in range(4)]
    alone = [lanes[0].run(batch) for batch in batches]

    with ThreadPoolExecutor(4) as pool:
        for _ in range(20):
            together = list(pool.map(lambda lane, batch: lane.run(batch), lanes, batches))
            for features, expected in zip(together, alone, strict=True):
                np.testing.assert_array_equal(features, expected)
