"""PyTorch → ONNX, with a dynamic number of frames or clips."""

from pathlib import Path

import onnx
import torch
from torch.export import Dim

from model.manifest import Preprocessing
from training.export.compact_weights import store_weights_as_float16
from training.export.network_graph import OUTPUT_NAME, ClipGraph, FrameGraph

# Newer opsets served fewer frames a second on CPU with the same results.
OPSET = 20


def export_onnx(graph: FrameGraph | ClipGraph, path: Path, preprocessing: Preprocessing) -> None:
    """Write one self-contained graph: uint8 frames or clips → `features` float32 [n, d].

    Weights are stored as float16 and computed with as float32.

    Raises:
        onnx.checker.ValidationError: When the written graph is not valid ONNX.
    """
    height, width = preprocessing.height, preprocessing.width
    clip = [] if preprocessing.frames_per_clip is None else [preprocessing.frames_per_clip]
    # Two rows: with one, the exporter would take their number for a constant.
    example = torch.zeros(2, *clip, height, width, 3, dtype=torch.uint8)
    torch.onnx.export(
        graph,
        (example,),
        str(path),
        input_names=[graph.input_name],
        output_names=[OUTPUT_NAME],
        dynamic_shapes=({0: Dim("b" if clip else "n", min=1)},),
        opset_version=OPSET,
        dynamo=True,
        external_data=False,
        verbose=False,
    )
    compact = store_weights_as_float16(onnx.load(path))
    onnx.checker.check_model(compact, full_check=True)
    onnx.save(compact, path)
