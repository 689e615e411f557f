"""A tiny graph with one of everything that reducing a precision tells apart."""

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

FRAME = (8, 6, 3)


def reducible_graph(*, largest_weight: float = 0.0) -> onnx.ModelProto:
    """uint8 [n, 8, 6, 3] → colour conv, pointwise conv, LayerNorm, product, Softmax: float [n, 5].

    Args:
        largest_weight: Put into the last product, if not 0.
    """
    draw = np.random.default_rng(0)
    projection = draw.normal(size=(4, 5)).astype(np.float32)
    projection[0, 0] = largest_weight or projection[0, 0]
    half = draw.normal(size=(16, 4, 1, 1)).astype(np.float16)
    constants: dict[str, NDArray[np.generic]] = {
        "scale": np.array(1 / 255, dtype=np.float32),
        "colours": draw.normal(size=(4, 3, 3, 3)).astype(np.float32),
        "stored": half,
        "gain": np.ones(16, dtype=np.float32),
        "axes": np.array([2, 3], dtype=np.int64),
        "mixing": draw.normal(size=(16, 4)).astype(np.float32),
        "projection": projection,
    }
    nodes = [
        helper.make_node("Cast", ["stored"], ["pointwise"], to=TensorProto.FLOAT),
        helper.make_node("Cast", ["frames"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["float", "scale"], ["scaled"]),
        helper.make_node("Transpose", ["scaled"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["planes", "colours"], ["first"], "first"),
        helper.make_node("Conv", ["first", "pointwise"], ["second"], "second"),
        helper.make_node("Relu", ["second"], ["positive"]),
        helper.make_node("ReduceMean", ["positive", "axes"], ["mean"], keepdims=0),
        helper.make_node("LayerNormalization", ["mean", "gain"], ["normed"], "norm"),
        helper.make_node("MatMul", ["normed", "mixing"], ["mixed"], "mixing_product"),
        helper.make_node("Softmax", ["mixed"], ["weights"], "softmax"),
        helper.make_node("MatMul", ["weights", "projection"], ["features"], "last_product"),
    ]
    frames = helper.make_tensor_value_info("frames", TensorProto.UINT8, ["n", *FRAME])
    features = helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", 5])
    initial = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "reducible", [frames], [features], initial)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def drawn_items(count: int, *, seed: int = 0) -> NDArray[np.uint8]:
    """Frames of noise, uint8 [n, 8, 6, 3]."""
    return np.random.default_rng(seed).integers(0, 256, (count, *FRAME), dtype=np.uint8)


def rows_of(graph: onnx.ModelProto, items: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What the graph says of them, in ONNX Runtime."""
    session = onnxruntime.InferenceSession(
        graph.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    rows: NDArray[np.float32] = session.run(["features"], {"frames": items})[0]
    return rows


def operators(graph: onnx.ModelProto) -> list[str]:
    """Types of all nodes."""
    return [node.op_type for node in graph.graph.node]
