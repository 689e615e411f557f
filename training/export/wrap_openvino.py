"""Reads an OpenVINO IR of unknown origin, and puts what a frame needs before it inside it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from training.export.foreign_input import ForeignInput
from training.export.foreign_reference import RunOriginal
from training.export.foreign_tensor import ForeignTensor
from training.export.openvino_runtime import compile_exactly, openvino_runtime
from training.export.wrap_onnx import Ends

if TYPE_CHECKING:
    import openvino

_KINDS = {"f32": "float32", "f16": "float16", "u8": "uint8", "f64": "float64"}


def read_ir(graph: Path, weights: Path) -> "openvino.Model":
    """The graph with its weights.

    Raises:
        ValueError: When a file is missing, is no IR, or is cut short.
    """
    for file, what in ((graph, "graph"), (weights, "weights")):
        if not file.is_file():
            raise ValueError(
                f"expected the {what} of an OpenVINO IR at {file}, received no file; "
                "keep the .bin beside the .xml, or name it with --weights"
            )
    runtime = openvino_runtime()
    try:
        return runtime.Core().read_model(graph.read_bytes(), weights.read_bytes())
    except Exception as error:  # the runtime's errors share no class of their own
        raise ValueError(
            f"expected an OpenVINO IR in {graph.name} with its weights in {weights.name}, "
            f"received: {error}; copy both files whole, and export again with standard operators"
        ) from error


def tensors_of(model: "openvino.Model") -> tuple[list[ForeignTensor], list[ForeignTensor]]:
    """Inputs and outputs."""
    return _tensors(model.inputs, "input"), _tensors(model.outputs, "output")


def run_ir(model: "openvino.Model", ends_of: tuple[str, str]) -> RunOriginal:
    """The graph as it came, on the CPU in single precision.

    Args:
        model: As it was read; it is compiled now, so that later changes do not matter.
        ends_of: Names of the input and of the output.

    Raises:
        ValueError: When it does not compile.
    """
    try:
        compiled = compile_exactly(model)
    except Exception as error:  # the runtime's errors share no class of their own
        raise ValueError(
            f"expected a graph that OpenVINO runs, received: {error}; export it again"
        ) from error
    inputs, outputs = tensors_of(model)
    position = [tensor.name for tensor in inputs].index(ends_of[0])
    wanted = [tensor.name for tensor in outputs].index(ends_of[1])

    def run(values: np.ndarray) -> np.ndarray:
        return np.array(compiled({position: values})[wanted])

    return run


def wrap_ir(model: "openvino.Model", ends: Ends, wanted: ForeignInput) -> "openvino.Model":
    """uint8 RGB frames [n, h, w, 3] → float32 features [n, d]; `model` is used up.

    Raises:
        ValueError: When the number of frames cannot be left open, or a graph of bytes is to be
            scaled.
    """
    runtime = openvino_runtime()
    inputs, outputs = tensors_of(model)
    position = [tensor.name for tensor in inputs].index(ends.frames.name)
    _open_shape(model, position, ends, wanted)
    embedding = model.outputs[[tensor.name for tensor in outputs].index(ends.embedding.name)]
    alone = _alone(model, position, _row(embedding.get_node().input_value(0), ends, wanted))
    steps = _preprocessed(alone, ends, wanted)
    steps.output(0).tensor().set_element_type(runtime.Type.f32)
    built = steps.build()
    built.input(0).get_tensor().set_names({"frames"})
    built.output(0).get_tensor().set_names({"features"})
    return built


def save_ir(model: "openvino.Model", graph: Path) -> Path:
    """Write `graph` and, beside it, its weights as compressed as they were; returns their path."""
    openvino_runtime().save_model(model, str(graph), compress_to_fp16=False)
    return graph.with_suffix(".bin")


def is_quantized(model: "openvino.Model") -> bool:
    """Whether it computes with eight bits."""
    return any(node.get_type_name() == "FakeQuantize" for node in model.get_ops())


def _tensors(ports: Sequence["openvino.Output"], kind: str) -> list[ForeignTensor]:
    return [
        ForeignTensor(
            name=min(port.get_names(), default=f"{kind}-{number}"),
            kind=_KINDS.get(port.element_type.get_type_name(), port.element_type.get_type_name()),
            shape=_shape(port.partial_shape),
        )
        for number, port in enumerate(ports)
    ]


def _shape(shape: "openvino.PartialShape") -> tuple[int | None, ...] | None:
    if shape.rank.is_dynamic:
        return None
    return tuple(None if axis.is_dynamic else axis.get_length() for axis in shape)


def _open_shape(model: "openvino.Model", position: int, ends: Ends, wanted: ForeignInput) -> None:
    height, width = ends.size
    shape = [-1, 3, height, width] if wanted.layout == "NCHW" else [-1, height, width, 3]
    try:
        model.reshape({position: openvino_runtime().PartialShape(shape)})
    except Exception as error:  # the runtime's errors share no class of their own
        raise ValueError(
            f"expected a graph of any number of frames, received {ends.frames}, whose number is "
            f"fixed inside the graph too: {error}; convert it again with a dynamic first axis"
        ) from error


def _row(embedding: "openvino.Output", ends: Ends, wanted: ForeignInput) -> "openvino.Output":
    operators = openvino_runtime().opset13
    if len(ends.embedding_shape) > 1:
        flat = np.array([0, np.prod(ends.embedding_shape)], np.int64)
        embedding = operators.reshape(embedding, flat, special_zero=True).output(0)
    if wanted.normalise_frames:
        embedding = operators.normalize_l2(embedding, np.array([1]), 1e-12, "max").output(0)
    return embedding


def _alone(model: "openvino.Model", position: int, row: "openvino.Output") -> "openvino.Model":
    """A model of nothing but frames and embedding; what the old one noted of its making is gone."""
    runtime = openvino_runtime()
    frames = model.get_parameters()[position]
    result = runtime.opset13.result(row)
    try:
        return runtime.Model([result], [frames], "imported")
    except Exception as error:  # the runtime's errors share no class of their own
        raise ValueError(
            f"expected an embedding of frames alone, received: {error}; "
            "convert the graph with its other inputs made constant"
        ) from error


def _preprocessed(
    model: "openvino.Model", ends: Ends, wanted: ForeignInput
) -> "openvino.preprocess.PrePostProcessor":
    runtime = openvino_runtime()
    steps = runtime.preprocess.PrePostProcessor(model)
    frames = steps.input(0)
    frames.tensor().set_element_type(runtime.Type.u8).set_layout(runtime.Layout("NHWC"))
    frames.model().set_layout(runtime.Layout(wanted.layout))
    does = frames.preprocess()
    if wanted.colour == "BGR":
        does.reverse_channels()
    if not wanted.leaves_pixels_alone:
        if ends.frames.kind == "uint8":
            raise ValueError(
                f"expected --scale 1 --mean 0 --std 1 for {ends.frames}, which takes pixels as "
                "they are, received other numbers; leave them to the graph"
            )
        scale = wanted.scale * np.asarray(wanted.std)
        does.convert_element_type(runtime.Type.f32)
        does.mean(list(wanted.scale * np.asarray(wanted.mean))).scale(list(scale))
    return steps
