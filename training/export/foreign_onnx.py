"""Reads an ONNX graph of unknown origin, its external weights merged, or says why not."""

from collections.abc import Iterator
from pathlib import Path

import onnx
from onnx import external_data_helper

from training.export.foreign_tensor import ForeignTensor

MOST_BYTES = 2**31 - 1
"""Of one self-contained ONNX file."""

# What ONNX Runtime brings along; other domains need libraries that a service does not load.
_DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml", "com.microsoft"})


def read_onnx(path: Path) -> onnx.ModelProto:
    """The graph with all weights inside.

    Raises:
        ValueError: When the file is no ONNX graph, needs operators of other libraries, or keeps
            weights outside its directory or in files that are not there.
    """
    _require_readable_size(path)
    try:
        model = onnx.load(path, load_external_data=False)
    except Exception as error:  # what the parser of the format raises is of no public class
        raise _no_graph(path, str(error)) from error
    if not model.graph.node or not model.opset_import:
        raise _no_graph(path, "a file without operators")
    _require_known_domains(path, model)
    _merge_weights(path, model)
    try:
        onnx.checker.check_model(model)
    except (onnx.checker.ValidationError, ValueError) as error:
        raise _no_graph(path, str(error)) from error
    return model


def tensors_of(model: onnx.ModelProto) -> tuple[list[ForeignTensor], list[ForeignTensor]]:
    """Inputs, without weights that are listed among them, and outputs."""
    weights = {weight.name for weight in model.graph.initializer}
    inputs = [_tensor(info) for info in model.graph.input if info.name not in weights]
    return inputs, [_tensor(info) for info in model.graph.output]


def subgraphs(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    """Graphs among the attributes of a node, as those of a branch or a loop."""
    for attribute in node.attribute:
        if attribute.type == onnx.AttributeProto.GRAPH:
            yield attribute.g
        yield from attribute.graphs


def nodes_of(model: onnx.ModelProto) -> Iterator[onnx.NodeProto]:
    """Every node, of functions and of branches too."""
    waiting = [*model.graph.node, *(node for one in model.functions for node in one.node)]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += [inner for graph in subgraphs(node) for inner in graph.node]


def _require_readable_size(path: Path) -> None:
    if not path.is_file():
        raise ValueError(f"expected a graph at {path}, received no file; check the path")
    if path.stat().st_size > MOST_BYTES:
        raise _no_graph(path, f"{path.stat().st_size} bytes, more than an ONNX file can have")


def _require_known_domains(path: Path, model: onnx.ModelProto) -> None:
    known = _DOMAINS | {function.domain for function in model.functions}
    foreign = sorted(
        {f"{node.domain}::{node.op_type}" for node in nodes_of(model) if node.domain not in known}
    )
    if foreign:
        raise ValueError(
            f"expected operators of ONNX and ONNX Runtime in {path.name}, received "
            f"{', '.join(foreign[:5])}; export it without custom operators"
        )


def _merge_weights(path: Path, model: onnx.ModelProto) -> None:
    """Weights in other files become part of the graph."""
    total = path.stat().st_size
    for tensor in _stored_tensors(model):
        if not external_data_helper.uses_external_data(tensor):
            continue
        told = external_data_helper.ExternalDataInfo(tensor)
        file = _weights_file(path, tensor.name, told.location)
        start, length = told.offset or 0, told.length
        length = file.stat().st_size - start if length is None else length
        if start < 0 or length < 0 or start + length > file.stat().st_size:
            raise ValueError(
                f"expected {start + length} bytes or more in {told.location!r} for the weights "
                f"{tensor.name!r} of {path.name}, received {file.stat().st_size}; "
                "copy the whole file"
            )
        total += length
        if total > MOST_BYTES:
            raise _no_graph(path, f"more than {MOST_BYTES} bytes with its weights")
        with file.open("rb") as stream:
            stream.seek(start)
            tensor.raw_data = stream.read(length)
        del tensor.external_data[:]
        tensor.data_location = onnx.TensorProto.DEFAULT


def _weights_file(path: Path, name: str, location: str) -> Path:
    folder = path.parent.resolve()
    file = (folder / location).resolve()
    if not location or Path(location).is_absolute() or not file.is_relative_to(folder):
        raise ValueError(
            f"expected the weights {name!r} beside {path.name}, received the path {location!r}, "
            "which leads elsewhere; save the graph with its weights in one directory"
        )
    if not file.is_file():
        raise ValueError(
            f"expected the weights {name!r} of {path.name} in {location!r} beside it, "
            "received no file; copy it too"
        )
    return file


def _stored_tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    yield from model.graph.initializer
    for node in nodes_of(model):
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.TENSOR:
                yield attribute.t
            yield from attribute.tensors
        for graph in subgraphs(node):
            yield from graph.initializer


def _tensor(info: onnx.ValueInfoProto) -> ForeignTensor:
    told = info.type.tensor_type
    number = told.elem_type
    known = number in onnx.TensorProto.DataType.values() and number != onnx.TensorProto.UNDEFINED
    kind = str(onnx.helper.tensor_dtype_to_np_dtype(number)) if known else "of unknown kind"
    if not told.HasField("shape"):
        return ForeignTensor(info.name, kind, None)
    sizes = [axis.dim_value if axis.HasField("dim_value") else None for axis in told.shape.dim]
    # Some exporters write 0 or -1 for a size that is left open.
    return ForeignTensor(
        info.name, kind, tuple(size if size and size > 0 else None for size in sizes)
    )


def _no_graph(path: Path, received: str) -> ValueError:
    return ValueError(
        f"expected an ONNX graph in {path.name}, received: {received}; give the .onnx file of a "
        "model, or the .xml of an OpenVINO IR"
    )
