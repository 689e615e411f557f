"""Numbers of 8 bits: how far values reach, and the scales that bring them into range.

Every product with a weight gets its two factors rounded, by a pair of QuantizeLinear and
DequantizeLinear each: symmetric, since TensorRT takes no zero points. Weights have a scale for
every channel of the output, activations one for all.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

from training.export.graph_runner import Items

EightBits = Literal["fp8", "int8"]
_BATCH = 8


@dataclass(frozen=True, slots=True)
class _Format:
    """Numbers of 8 bits.

    Attributes:
        kind: Of ONNX.
        largest: The largest number.
        headroom: Of activations beyond what was seen. Real people reach further than drawn ones;
            a factor of two costs a floating point format nothing but its smallest numbers.
    """

    kind: int
    largest: float
    headroom: float


_FORMATS: Mapping[EightBits, _Format] = MappingProxyType(
    {
        "fp8": _Format(TensorProto.FLOAT8E4M3FN, 448.0, 2.0),
        "int8": _Format(TensorProto.INT8, 127.0, 1.0),
    }
)


def quantized(
    graph: onnx.ModelProto, products: Collection[str], wanted: EightBits, items: Items
) -> onnx.ModelProto:
    """`graph` with rounded factors of `products` that have a weight; it is changed in place.

    Args:
        graph: In float32, its weights as initializers.
        products: Names of operators.
        wanted: Which numbers.
        items: Frames or clips that show how far activations reach.
    """
    weights = {
        tensor.name: numpy_helper.to_array(tensor).astype(np.float32)
        for tensor in graph.graph.initializer
    }
    weighted = [
        node
        for node in graph.graph.node
        if node.op_type in products and node.input[1] in weights and node.input[0] not in weights
    ]
    seen = _farthest(graph, {node.input[0] for node in weighted}, items)
    rounding = _Rounding(graph, _FORMATS[wanted])
    for node in weighted:
        name, weight = node.input[0], node.input[1]
        rounding.activation(name, seen[name])
        rounding.weight(weight, weights[weight], _output_axis(node, weights[weight]))
        node.input[0], node.input[1] = _rounded(name), _rounded(weight)
    rounding.insert()
    return graph


class _Rounding:
    """Pairs of nodes, one for each value, however many products read it."""

    def __init__(self, graph: onnx.ModelProto, form: _Format) -> None:
        self._graph = graph.graph
        self._form = form
        self._pairs: dict[str, list[NodeProto]] = {}

    def activation(self, name: str, farthest: float) -> None:
        self._pair(name, np.array(farthest * self._form.headroom, np.float32), axis=None)

    def weight(self, name: str, values: NDArray[np.float32], axis: int) -> None:
        others = tuple(other for other in range(values.ndim) if other != axis)
        self._pair(name, np.abs(values).max(axis=others), axis=axis)

    def _pair(self, name: str, farthest: NDArray[np.float32], *, axis: int | None) -> None:
        if name in self._pairs:
            return
        # A channel of zeros has no range; any scale keeps it.
        scale = np.where(farthest > 0, farthest, 1.0).astype(np.float32) / np.float32(
            self._form.largest
        )
        self._graph.initializer.append(numpy_helper.from_array(scale, f"{name}.scale"))
        zeros = helper.make_tensor(f"{name}.zero", self._form.kind, scale.shape, [0] * scale.size)
        self._graph.initializer.append(zeros)
        small, around = f"{name}.small", [f"{name}.scale", f"{name}.zero"]
        pair = [
            helper.make_node("QuantizeLinear", [name, *around], [small]),
            helper.make_node("DequantizeLinear", [small, *around], [_rounded(name)]),
        ]
        if axis is not None:
            for node in pair:
                node.attribute.append(helper.make_attribute("axis", axis))
        self._pairs[name] = pair

    def insert(self) -> None:
        """Each pair directly behind what makes its value: nodes stay in the order of computing."""
        made = {name for node in self._graph.node for name in node.output}
        nodes = [node for name, pair in self._pairs.items() if name not in made for node in pair]
        for node in self._graph.node:
            nodes.append(node)
            nodes += [pair for name in node.output for pair in self._pairs.get(name, [])]
        del self._graph.node[:]
        self._graph.node.extend(nodes)


def _farthest(graph: onnx.ModelProto, names: set[str], items: Items) -> dict[str, float]:
    """The largest absolute value of each activation."""
    probed = onnx.ModelProto()
    probed.CopyFrom(graph)
    ordered = sorted(names)
    probed.graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ordered
    )
    session = onnxruntime.InferenceSession(
        probed.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    source = session.get_inputs()[0].name
    farthest = np.zeros(len(ordered))
    for start in range(0, len(items), _BATCH):
        values = session.run(ordered, {source: items[start : start + _BATCH]})
        farthest = np.maximum(farthest, [np.abs(value).max() for value in values])
    return dict(zip(ordered, farthest.tolist(), strict=True))


def _output_axis(node: NodeProto, weight: NDArray[np.float32]) -> int:
    transposed = any(
        attribute.name == "transB" and attribute.i == 1 for attribute in node.attribute
    )
    return 0 if node.op_type == "Conv" or transposed else weight.ndim - 1


def _rounded(name: str) -> str:
    return f"{name}.rounded"
