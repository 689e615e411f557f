"""PyTorch → ONNX, with a dynamic number of frames or clips."""

import onnx
import torch
from torch.export import Dim

from model.manifest import Preprocessing
from training.export.network_graph import OUTPUT_NAME, ClipGraph, FrameGraph

# Newer opsets served fewer frames a second on CPU with the same results.
OPSET = 20


def export_onnx(graph: FrameGraph | ClipGraph, preprocessing: Preprocessing) -> onnx.ModelProto:
    """The graph with its weights inside: uint8 frames or clips → `features` float32 [n, d]."""
    height, width = preprocessing.height, preprocessing.width
    clip = [] if preprocessing.frames_per_clip is None else [preprocessing.frames_per_clip]
    # Two rows: with one, the exporter would take their number for a constant.
    example = torch.zeros(2, *clip, height, width, 3, dtype=torch.uint8)
    program = torch.onnx.export(
        graph,
        (example,),
        input_names=[graph.input_name],
        output_names=[OUTPUT_NAME],
        dynamic_shapes=({0: Dim("b" if clip else "n", min=1)},),
        opset_version=OPSET,
        dynamo=True,
        verbose=False,
    )
    if program is None:
        raise RuntimeError("expected the exporter to return a program, received none")
    model: onnx.ModelProto = program.model_proto
    return model
