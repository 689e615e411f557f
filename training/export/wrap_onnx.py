"""Puts what a frame needs before an ONNX graph, and what an embedding needs after it, inside it.

The graph's own operators and weights stay as they are. Around them: colour order and layout while a
pixel is still a byte, scale, mean and deviation as one product and one sum, and a flat float32 row
for each frame at the end.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper, version_converter

from training.export.foreign_input import ForeignInput
from training.export.foreign_onnx import nodes_of, subgraphs
from training.export.foreign_tensor import ForeignTensor

# The oldest in which sums and products broadcast, and the one that older graphs are brought to.
_LEAST_OPSET, _NEWER_OPSET = 7, 13
# The oldest in which weights need not be listed as inputs, where a runtime could not fold them.
_LEAST_IR = 4


@dataclass(frozen=True, slots=True)
class Ends:
    """Where the graph is taken hold of.

    Attributes:
        frames: The input that takes frames.
        embedding: The output to keep.
        embedding_shape: Of a frame's row of it, [d] or [d, 1, 1].
        size: Height and width of frames.
    """

    frames: ForeignTensor
    embedding: ForeignTensor
    embedding_shape: tuple[int, ...]
    size: tuple[int, int]


def wrap_onnx(model: onnx.ModelProto, ends: Ends, wanted: ForeignInput) -> onnx.ModelProto:
    """uint8 RGB frames [n, h, w, 3] → float32 features [n, d], by a copy of `model`.

    Raises:
        ValueError: When the embedding needs another input than the frames, or a graph of bytes is
            to be scaled.
    """
    wrapped = _of_supported_opset(model)
    _keep_what_is_needed(wrapped, ends)
    if ends.frames.fixed_batch is not None:
        _open_batch(wrapped, ends.frames.fixed_batch)
    taken = {name for node in nodes_of(wrapped) for name in (*node.input, *node.output)}
    taken |= {weight.name for weight in wrapped.graph.initializer}
    frames, features = _unused("frames", taken), _unused("features", taken)
    graph = wrapped.graph
    nodes = [
        *_before(_Chain(graph, frames, taken), ends, wanted),
        *graph.node,
        *_after(_Chain(graph, ends.embedding.name, taken), ends, wanted, features),
    ]
    for field in (graph.node, graph.input, graph.output, graph.value_info):
        del field[:]
    graph.node.extend(nodes)
    dimension = int(np.prod(ends.embedding_shape))
    graph.input.append(
        helper.make_tensor_value_info(frames, TensorProto.UINT8, ["n", *ends.size, 3])
    )
    graph.output.append(
        helper.make_tensor_value_info(features, TensorProto.FLOAT, ["n", dimension])
    )
    wrapped.ir_version = max(wrapped.ir_version, _LEAST_IR)
    return wrapped


def _of_supported_opset(model: onnx.ModelProto) -> onnx.ModelProto:
    copied = onnx.ModelProto()
    copied.CopyFrom(model)
    opset = next((one.version for one in model.opset_import if one.domain in ("", "ai.onnx")), 0)
    if opset >= _LEAST_OPSET:
        return copied
    try:
        return version_converter.convert_version(copied, _NEWER_OPSET)
    except Exception as error:  # the converter raises what its operators raise
        raise ValueError(
            f"expected operators of ONNX opset {_LEAST_OPSET} or later, received opset {opset}, "
            f"which cannot be brought to {_NEWER_OPSET}: {error}; export the model again"
        ) from error


def _keep_what_is_needed(model: onnx.ModelProto, ends: Ends) -> None:
    """Operators that the embedding does not come from go, and must not ask for further inputs."""
    needed, kept = {ends.embedding.name}, []
    for node in reversed(model.graph.node):
        if needed.intersection(node.output):
            needed |= _read_by(node)
            kept.append(node)
    others = [
        info.name
        for info in model.graph.input
        if info.name in needed and info.name != ends.frames.name
    ]
    weights = {weight.name for weight in model.graph.initializer}
    missing = sorted(set(others) - weights)
    if missing:
        raise ValueError(
            f"expected an embedding of frames alone, received one that needs "
            f"{', '.join(map(repr, missing))} too; export the graph with these made constant"
        )
    kept_nodes = [*reversed(kept)]
    del model.graph.node[:]
    model.graph.node.extend(kept_nodes)


def _read_by(node: onnx.NodeProto) -> set[str]:
    inner = [one for graph in subgraphs(node) for one in graph.node]
    return set(node.input).union(*(_read_by(one) for one in inner))


def _open_batch(model: onnx.ModelProto, batch: int) -> None:
    """A reshape to the fixed number of rows keeps instead whatever number comes in."""
    shapes = {weight.name: weight for weight in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Constant" and node.attribute and node.attribute[0].name == "value":
            shapes[node.output[0]] = node.attribute[0].t
    for node in model.graph.node:
        if node.op_type != "Reshape" or node.input[1] not in shapes:
            continue
        stored = shapes[node.input[1]]
        shape = numpy_helper.to_array(stored).copy()
        if shape.ndim == 1 and shape.size > 1 and shape[0] == batch:
            shape[0] = 0  # ONNX: as in what is reshaped
            stored.CopyFrom(numpy_helper.from_array(shape, stored.name))


def _before(chain: "_Chain", ends: Ends, wanted: ForeignInput) -> Iterable[onnx.NodeProto]:
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(ends.frames.kind))
    if kind == TensorProto.UINT8 and not wanted.leaves_pixels_alone:
        raise ValueError(
            f"expected --scale 1 --mean 0 --std 1 for {ends.frames}, which takes pixels as they "
            "are, received other numbers; leave them to the graph"
        )
    if wanted.colour == "BGR":
        chain.add("Gather", chain.constant(np.array([2, 1, 0], np.int64)), axis=3)
    if wanted.layout == "NCHW":
        chain.add("Transpose", perm=[0, 3, 1, 2])
    if kind != TensorProto.UINT8:
        chain.add("Cast", to=TensorProto.FLOAT)
    axes = (3, 1, 1) if wanted.layout == "NCHW" else (3,)
    if (wanted.factor != 1).any():
        chain.add("Mul", chain.constant(wanted.factor.astype(np.float32).reshape(axes)))
    if (wanted.offset != 0).any():
        chain.add("Add", chain.constant(wanted.offset.astype(np.float32).reshape(axes)))
    if kind not in (TensorProto.UINT8, TensorProto.FLOAT):
        chain.add("Cast", to=kind)
    return chain.ending_in(ends.frames.name)


def _after(
    chain: "_Chain", ends: Ends, wanted: ForeignInput, features: str
) -> Iterable[onnx.NodeProto]:
    if ends.embedding.kind != "float32":
        chain.add("Cast", to=TensorProto.FLOAT)
    if len(ends.embedding_shape) > 1:
        chain.add("Flatten", axis=1)
    if wanted.normalise_frames:
        chain.add("LpNormalization", axis=1, p=2)
    return chain.ending_in(features)


class _Chain:
    """Operators in a row, each on what the one before gives."""

    def __init__(self, graph: onnx.GraphProto, start: str, taken: set[str]) -> None:
        self._graph, self._last, self._taken = graph, start, taken
        self._nodes: list[onnx.NodeProto] = []

    def add(self, operator: str, *others: str, **attributes: int | list[int]) -> None:
        name = self._name(operator)
        self._nodes.append(helper.make_node(operator, [self._last, *others], [name], name=name))
        self._nodes[-1].attribute.extend(
            helper.make_attribute(key, value) for key, value in attributes.items()
        )
        self._last = name

    def constant(self, values: np.ndarray) -> str:
        """A weight, since operators that give constants were of floats alone in old opsets."""
        name = self._name("constant")
        self._graph.initializer.append(numpy_helper.from_array(values, name))
        return name

    def ending_in(self, name: str) -> list[onnx.NodeProto]:
        self._nodes.append(helper.make_node("Identity", [self._last], [name]))
        return self._nodes

    def _name(self, operator: str) -> str:
        name = _unused(f"imported_{operator.lower()}", self._taken)
        self._taken.add(name)
        return name


def _unused(name: str, taken: Collection[str]) -> str:
    while name in taken:
        name += "_"
    return name
