"""An artifact's graph in the precision that an engine computes in.

TensorRT takes the precision of a strongly typed network from the graph alone, and version 11 knows
no other networks. Convolutions and matrix products are lowered, what lies between them stays
float32, and so do input and output.
"""

from collections.abc import Iterable

import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper, version_converter

from training.export.engine_key import EnginePrecision
from training.export.engine_ranges import quantized
from training.export.gate import Precision
from training.export.graph_runner import Items

PRODUCTS = frozenset({"Conv", "MatMul", "Gemm"})
# The first opset whose convolutions take bfloat16.
_BFLOAT16_OPSET = 22


def engine_graph(
    graph: onnx.ModelProto, own: Precision, wanted: EnginePrecision, items: Items
) -> onnx.ModelProto:
    """A copy of `graph` that computes in `wanted`; one that does so already stays as it is.

    Args:
        graph: Of an artifact.
        own: What it computes in.
        wanted: What the engine is to compute in.
        items: Frames or clips that show how far values reach, where numbers have 8 bits.

    Raises:
        ValueError: When the graph computes in neither single precision nor the wanted one.
    """
    if own == wanted != "fp32":
        return graph
    if own != "fp32":
        raise ValueError(
            f"expected an artifact in fp32 for an engine in {wanted}, received one in {own}; "
            f"build with --precision {own}, or export the artifact in fp32"
        )
    whole = with_whole_weights(graph)
    if wanted == "fp16":
        whole = _lowered(whole, TensorProto.FLOAT16)
    elif wanted == "bf16":
        whole = _lowered(
            version_converter.convert_version(whole, _BFLOAT16_OPSET), TensorProto.BFLOAT16
        )
    elif wanted != "fp32":
        whole = quantized(whole, PRODUCTS, wanted, items)
    onnx.checker.check_model(whole, full_check=True)
    return whole


def with_whole_weights(graph: onnx.ModelProto) -> onnx.ModelProto:
    """A copy whose weights are float32 where they were stored as float16 behind a cast."""
    whole = onnx.ModelProto()
    whole.CopyFrom(graph)
    stored = {tensor.name: tensor for tensor in whole.graph.initializer}
    kept = []
    for node in whole.graph.node:
        if node.op_type != "Cast" or node.input[0] not in stored:
            kept.append(node)
            continue
        kind = helper.tensor_dtype_to_np_dtype(helper.get_node_attr_value(node, "to"))
        values = numpy_helper.to_array(stored[node.input[0]]).astype(kind)
        whole.graph.initializer.append(numpy_helper.from_array(values, node.output[0]))
    _replace_nodes(whole, kept)
    read = {name for node in kept for name in node.input}
    left = [tensor for tensor in whole.graph.initializer if tensor.name in read]
    del whole.graph.initializer[:]
    whole.graph.initializer.extend(left)
    return whole


def _lowered(graph: onnx.ModelProto, kind: int) -> onnx.ModelProto:
    """Casts before and behind every product; one that feeds another needs none before."""
    nodes: list[NodeProto] = []
    low: set[str] = set()
    for node in graph.graph.node:
        if node.op_type not in PRODUCTS:
            nodes.append(node)
            continue
        nodes += [
            helper.make_node("Cast", [name], [_low(name)], to=kind)
            for name in sorted({name for name in node.input if name} - low)
        ]
        low.update(node.input, node.output)
        product = NodeProto()
        product.CopyFrom(node)
        product.input[:] = [_low(name) if name else name for name in node.input]
        product.output[:] = [_low(name) for name in node.output]
        nodes.append(product)
        nodes.append(
            helper.make_node("Cast", list(product.output), list(node.output), to=TensorProto.FLOAT)
        )
    _replace_nodes(graph, nodes)
    # What was known of types is no longer so.
    del graph.graph.value_info[:]
    return graph


def _low(name: str) -> str:
    return f"{name}.low"


def _replace_nodes(graph: onnx.ModelProto, nodes: Iterable[NodeProto]) -> None:
    replaced = list(nodes)
    del graph.graph.node[:]
    graph.graph.node.extend(replaced)
