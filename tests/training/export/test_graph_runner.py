import numpy as np
import onnx
import pytest

from tests.artifact_factory import tiny_graph, write_tiny_artifact
from training.export.graph_runner import onnx_runner, open_runner, run_in_batches


def test_batches_together_are_one(tmp_path):
    write_tiny_artifact(tmp_path)
    run = onnx_runner(tmp_path / "graph.onnx")
    frames = np.random.default_rng(0).integers(0, 256, (7, 64, 32, 3), dtype=np.uint8)
    sizes = []

    def counting(items):
        sizes.append(len(items))
        return run(items)

    np.testing.assert_allclose(run_in_batches(counting, frames, largest=3), run(frames), atol=1e-5)
    assert sizes == [3, 3, 1]


def test_an_artifacts_graph_is_opened_by_its_manifest(tmp_path):
    manifest = write_tiny_artifact(tmp_path)
    clip = np.load(tmp_path / "golden_clip.npy")
    assert open_runner(tmp_path, manifest.graph)(clip).shape == (len(clip), 20)


def test_the_inputs_name_is_the_graphs_own(tmp_path):
    graph = tiny_graph(height=64, width=32, seed=0)
    graph.graph.input[0].name = graph.graph.node[0].input[0] = "pictures"
    onnx.save(graph, tmp_path / "graph.onnx")
    assert onnx_runner(tmp_path / "graph.onnx")(np.zeros((1, 64, 32, 3), np.uint8)).shape == (1, 20)


def test_a_file_that_is_no_graph_is_refused_by_name(tmp_path):
    (tmp_path / "graph.onnx").write_bytes(b"no graph")
    with pytest.raises(
        ValueError, match=r"expected a graph that ONNX Runtime loads in graph\.onnx"
    ):
        onnx_runner(tmp_path / "graph.onnx")
