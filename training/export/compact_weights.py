"""Half the file, the same arithmetic: weights stored as float16, computed with as float32."""

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

# Small tensors (norms, shapes, scales) save nothing and are the ones that rounding hurts most.
LEAST_ELEMENTS = 1024


def store_weights_as_float16(graph: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of `graph` whose large float32 weights are float16 behind a cast to float32.

    A runtime folds the casts away when it loads the graph, so it computes in float32 throughout.
    Each weight moves by at most one part in 2,048, or 2⁻²⁵ where it is below 2⁻¹⁴; the parity
    check decides whether that is little enough.

    Raises:
        ValueError: When a weight does not fit into float16.
    """
    compact = onnx.ModelProto()
    compact.CopyFrom(graph)
    casts = []
    for weight in compact.graph.initializer:
        if weight.data_type != onnx.TensorProto.FLOAT:
            continue
        values = numpy_helper.to_array(weight)
        if values.size < LEAST_ELEMENTS:
            continue
        name = weight.name
        weight.CopyFrom(numpy_helper.from_array(_half(name, values), f"{name}.float16"))
        casts.append(
            helper.make_node("Cast", [f"{name}.float16"], [name], to=onnx.TensorProto.FLOAT)
        )
    nodes = [*casts, *compact.graph.node]
    del compact.graph.node[:]
    compact.graph.node.extend(nodes)
    return compact


def _half(name: str, values: NDArray[np.float32]) -> NDArray[np.float16]:
    largest = float(np.abs(values).max())
    if not largest <= float(np.finfo(np.float16).max):
        raise ValueError(
            f"expected weights within ±65504, received {largest:g} in {name!r}; "
            "train with more weight decay or a lower learning rate"
        )
    return values.astype(np.float16)
