"""What exporters leave in a graph besides the graph: stack traces with paths, notes, names."""

from collections.abc import Iterable

import onnx

_Noted = (
    onnx.ModelProto | onnx.FunctionProto | onnx.GraphProto | onnx.NodeProto | onnx.ValueInfoProto
    | onnx.TensorProto
)  # fmt: skip


def remove_traces(model: onnx.ModelProto) -> None:
    """Clear, in place, every doc string and every metadata entry of the graph and what is in it.

    No runtime reads them, and traces name the folders of the machine that exported. The producer is
    cleared as well; the manifest's provenance names the exporter's versions.
    """
    model.ClearField("producer_name")
    model.ClearField("producer_version")
    _clear([model, *model.functions])
    _clear_graph(model.graph)
    for function in model.functions:
        _clear(function.value_info)
        _clear_nodes(function.node)


def _clear_graph(graph: onnx.GraphProto) -> None:
    _clear([graph, *graph.initializer])
    _clear([*graph.input, *graph.output, *graph.value_info])
    _clear_nodes(graph.node)


def _clear_nodes(nodes: Iterable[onnx.NodeProto]) -> None:
    for node in nodes:
        _clear([node])
        for attribute in node.attribute:
            attribute.ClearField("doc_string")
            # Touching a field that is not there would put an empty one there.
            _clear([*attribute.tensors, *([attribute.t] if attribute.HasField("t") else [])])
            for branch in [*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])]:
                _clear_graph(branch)


def _clear(noted: Iterable[_Noted]) -> None:
    for one in noted:
        one.ClearField("doc_string")
        one.ClearField("metadata_props")
