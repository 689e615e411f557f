"""INT8 by ONNX Runtime's quantizer: matrix products as they come, convolutions by calibration.

Weights have a scale for each output channel and use 7 bits of the 8: x86 processors without VNNI
add pairs of 8-bit products in 16 bits, which overflow with all 8, silently.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)

Products = Literal["dynamic", "static", "kept"]
Items = NDArray[np.uint8]
LEAST_ITEMS = 16
_ITEMS_PER_BATCH = 8


@dataclass(frozen=True, slots=True)
class Int8Plan:
    """What is quantized; everything else (norms, softmax, the necks) stays in float32.

    Attributes:
        products: Matrix products with constant weights: their inputs' scales are taken from each
            batch (`dynamic`, which needs no frames), or from calibration frames (`static`).
        convolutions: Quantize convolutions, which needs frames; the first of each branch, which
            sees the normalised pixels, stays in float32.
    """

    products: Products = "dynamic"
    convolutions: bool = False

    @property
    def needs_items(self) -> bool:
        """Whether calibration frames or clips are needed."""
        return self.convolutions or self.products == "static"


def quantized(
    graph: onnx.ModelProto, plan: Int8Plan, items: Items | None = None
) -> onnx.ModelProto:
    """A copy of the folded float32 `graph` in INT8.

    Args:
        graph: With one uint8 input, frames [n, h, w, 3] or clips [b, t, h, w, 3].
        plan: What is quantized.
        items: Real frames or clips, uint8, that the ranges of activations are taken from.

    Raises:
        ValueError: When items are missing, too few or of another size, or nothing is to quantize.
    """
    products, convolutions = _products(graph), _convolutions(graph)
    static = (products if plan.products == "static" else []) + (
        convolutions if plan.convolutions else []
    )
    dynamic = products if plan.products == "dynamic" else []
    if not static and not dynamic:
        raise ValueError(
            "expected matrix products or convolutions with constant weights to quantize, received "
            "a graph with none for this plan; give calibration frames, or keep another precision"
        )
    result = graph
    if static:
        result = _statically(result, static, _checked(graph, items))
    if dynamic:
        result = _dynamically(result, dynamic)
    onnx.checker.check_model(result, full_check=True)
    return result


def _products(graph: onnx.ModelProto) -> list[str]:
    weights = {weight.name for weight in graph.graph.initializer}
    return [
        node.name
        for node in graph.graph.node
        if node.op_type in {"MatMul", "Gemm"} and node.input[1] in weights
    ]


def _convolutions(graph: onnx.ModelProto) -> list[str]:
    """All but those of three input channels: colours, whose error all later layers would carry."""
    weights = {weight.name: weight.dims for weight in graph.graph.initializer}
    return [
        node.name
        for node in graph.graph.node
        if node.op_type == "Conv"
        and node.input[1] in weights
        and not (weights[node.input[1]][1] == 3 and _groups(node) == 1)
    ]


def _groups(node: onnx.NodeProto) -> int:
    return next((int(value.i) for value in node.attribute if value.name == "group"), 1)


def _checked(graph: onnx.ModelProto, items: Items | None) -> Items:
    wanted = [axis.dim_value for axis in graph.graph.input[0].type.tensor_type.shape.dim[1:]]
    described = f"uint8 [{', '.join(['n', *map(str, wanted)])}]"
    if items is None or len(items) < LEAST_ITEMS:
        raise ValueError(
            f"expected at least {LEAST_ITEMS} calibration items {described}, received "
            f"{0 if items is None else len(items)}; give more real tracklets"
        )
    if items.dtype != np.uint8 or list(items.shape[1:]) != wanted:
        raise ValueError(
            f"expected calibration items {described}, received {items.dtype} "
            f"{list(items.shape)}; resize them to the model's input"
        )
    return items


class _Batches(CalibrationDataReader):  # type: ignore[misc]  # the package has no types
    def __init__(self, name: str, items: Items) -> None:
        starts = range(0, len(items), _ITEMS_PER_BATCH)
        self._batches: Iterator[dict[str, Items]] = iter(
            [{name: items[start : start + _ITEMS_PER_BATCH]} for start in starts]
        )

    def get_next(self) -> dict[str, Items] | None:
        return next(self._batches, None)


def _statically(graph: onnx.ModelProto, nodes: Sequence[str], items: Items) -> onnx.ModelProto:
    def write(path: Path) -> None:
        quantize_static(
            _copy(graph),
            path,
            _Batches(graph.graph.input[0].name, items),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv", "MatMul", "Gemm"],
            nodes_to_quantize=list(nodes),
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
        )

    return _written(write)


def _dynamically(graph: onnx.ModelProto, nodes: Sequence[str]) -> onnx.ModelProto:
    def write(path: Path) -> None:
        quantize_dynamic(
            _copy(graph),
            path,
            op_types_to_quantize=["MatMul", "Gemm"],
            nodes_to_quantize=list(nodes),
            per_channel=True,
            reduce_range=True,
            weight_type=QuantType.QInt8,
        )

    return _written(write)


def _written(write: Callable[[Path], None]) -> onnx.ModelProto:
    """The quantizer hands its result over only as a file."""
    with TemporaryDirectory() as scratch:
        path = Path(scratch) / "quantized.onnx"
        with _without_advice():
            write(path)
        return onnx.load(path)


@contextmanager
def _without_advice() -> Iterator[None]:
    """The quantizer advises on the root logger to prepare graphs, which is done by then."""
    root = logging.getLogger()
    root.addFilter(_is_no_advice)
    try:
        yield
    finally:
        root.removeFilter(_is_no_advice)


def _is_no_advice(record: logging.LogRecord) -> bool:
    return "onnxruntime" not in record.pathname


def _copy(graph: onnx.ModelProto) -> onnx.ModelProto:
    """The quantizer changes what it is given."""
    copy = onnx.ModelProto()
    copy.CopyFrom(graph)
    return copy
