"""Half-precision arithmetic: for processors that have it; a CPU without it only casts."""

import warnings

import numpy as np
import onnx
from onnx import numpy_helper
from onnxruntime.transformers.float16 import DEFAULT_OP_BLOCK_LIST, convert_float_to_float16
from onnxruntime.transformers.onnx_model import OnnxModel

# Sums over many elements, and what divides by them: float16 loses too much there.
KEPT_IN_FLOAT32 = (
    "BatchNormalization",
    "InstanceNormalization",
    "LayerNormalization",
    "LpNormalization",
    "ReduceL2",
    "ReduceMean",
    "ReduceSum",
    "Softmax",
)


def half_precision(graph: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of the float32 `graph` that computes in float16; input and output keep their types.

    Raises:
        ValueError: When a weight is beyond float16's range.
    """
    _require_in_range(graph)
    copy = onnx.ModelProto()
    copy.CopyFrom(graph)
    with warnings.catch_warnings():
        # Said of every weight below 6e-8, which becomes 0: the gate judges what comes of it.
        warnings.filterwarnings("ignore", message="the float32 number")
        converted: onnx.ModelProto = convert_float_to_float16(
            copy,
            keep_io_types=True,
            op_block_list=[*DEFAULT_OP_BLOCK_LIST, *KEPT_IN_FLOAT32],
        )
    _cast_once(converted.graph)
    OnnxModel(converted).topological_sort()  # the converter puts its casts at the end
    del converted.graph.value_info[:]  # of the types before
    onnx.checker.check_model(converted, full_check=True)
    return converted


def _cast_once(graph: onnx.GraphProto) -> None:
    """The converter writes a cast, of one name, for each node that takes a shared weight."""
    made: set[str] = set()
    kept = []
    for node in graph.node:
        if node.op_type != "Cast" or node.output[0] not in made:
            kept.append(node)
        made.update(node.output)
    del graph.node[:]
    graph.node.extend(kept)


def _require_in_range(graph: onnx.ModelProto) -> None:
    """The converter would cut such a weight off without an error."""
    most = float(np.finfo(np.float16).max)
    for weight in graph.graph.initializer:
        if weight.data_type != onnx.TensorProto.FLOAT:
            continue
        values = numpy_helper.to_array(weight)
        largest = float(np.abs(values).max(initial=0))
        if not largest <= most:
            raise ValueError(
                f"expected weights within ±65504, received {largest:g} in {weight.name!r}; "
                "keep the graph in fp32, or train with more weight decay"
            )
