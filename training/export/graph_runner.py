"""Graph files as functions: a batch of frames or clips in, a row of features each out."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from model.stored_graph import Graph
from training.export.openvino_runtime import compile_exactly, openvino_runtime

Items = NDArray[np.uint8]
Features = NDArray[np.float32]
# Frames [n, h, w, 3] or clips [b, t, h, w, 3] → features [n, d].
RunItems = Callable[[Items], Features]


def open_runner(directory: Path, graph: Graph) -> RunItems:
    """Run an artifact's graph on the CPU, with the runtime of its format.

    Raises:
        ValueError: When the runtime cannot load it.
    """
    if graph.weights_file is None:
        return onnx_runner(directory / graph.file)
    return openvino_runner(directory / graph.file, directory / graph.weights_file)


def onnx_runner(path: Path) -> RunItems:
    """Run the graph at `path` with ONNX Runtime on the CPU.

    Raises:
        ValueError: When ONNX Runtime cannot load it.
    """
    try:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime's errors share no other class
        raise ValueError(
            f"expected a graph that ONNX Runtime loads in {path.name}, received: {error}; "
            "export it again"
        ) from error
    name = session.get_inputs()[0].name

    def run(items: Items) -> Features:
        features: Features = session.run(None, {name: items})[0]
        return features

    return run


def openvino_runner(graph: Path, weights: Path) -> RunItems:
    """Run an OpenVINO IR on the CPU in single precision.

    Raises:
        ValueError: When OpenVINO cannot load it.
    """
    core = openvino_runtime().Core()
    try:
        compiled = compile_exactly(core.read_model(graph.read_bytes(), weights.read_bytes()))
    except Exception as error:  # the runtime's errors share no other class
        raise ValueError(
            f"expected a graph that OpenVINO loads in {graph.name} with {weights.name}, "
            f"received: {error}; import it again"
        ) from error

    def run(items: Items) -> Features:
        return np.array(compiled(np.ascontiguousarray(items))[0], dtype=np.float32)

    return run


def run_in_batches(run: RunItems, items: Items, *, largest: int) -> Features:
    """Features of any number of items, `largest` at a time."""
    return np.concatenate(
        [run(items[start : start + largest]) for start in range(0, len(items), largest)]
    )
