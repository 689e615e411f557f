"""A float32 graph → the same graph in another precision; the gate judges it afterwards."""

import onnx

from training.export.gate import Precision
from training.export.half_precision import half_precision
from training.export.optimize import folded
from training.export.quantize import Int8Plan, Items, quantized


def reduced(
    graph: onnx.ModelProto, precision: Precision, items: Items | None = None
) -> onnx.ModelProto:
    """A copy of `graph` in `precision`; uint8 in and float32 out as before.

    Args:
        graph: In single precision; its weights may be stored as float16.
        precision: `fp32` gives the graph back as it is. `int8` without items quantizes the matrix
            products, whose ranges are taken from each batch; with items also the convolutions.
        items: Real frames or clips for calibration, uint8, of the size that the graph takes.

    Raises:
        ValueError: When the graph cannot be had in that precision, or with these items.
    """
    if items is not None and precision != "int8":
        raise ValueError(
            f"expected calibration items for int8 alone, received some for {precision}; "
            "leave them out"
        )
    if precision == "fp32":
        return graph
    if precision == "fp16":
        return half_precision(folded(graph))
    return quantized(folded(graph), Int8Plan(convolutions=items is not None), items)
