"""PyTorch → ONNX, with a dynamic number of frames."""

from pathlib import Path

import onnx
import torch
from torch.export import Dim

from model.tracklet_network import TrackletNetwork
from training.export.compact_weights import store_weights_as_float16
from training.export.frame_graph import FrameGraph

INPUT_NAME = "frames"
OUTPUT_NAME = "features"
# Newer opsets served fewer frames a second on CPU with the same results.
OPSET = 20


def export_onnx(network: TrackletNetwork, path: Path) -> None:
    """Write one self-contained graph: `frames` uint8 [n, h, w, 3] → `features` float32 [n, d].

    Weights are stored as float16 and computed with as float32. The network is put in evaluation
    mode.

    Raises:
        onnx.checker.ValidationError: When the written graph is not valid ONNX.
    """
    graph = FrameGraph(network).eval()
    height, width = network.config.height, network.config.width
    # Two frames: with one, the exporter would take n = 1 for a constant.
    example = torch.zeros(2, height, width, 3, dtype=torch.uint8)
    torch.onnx.export(
        graph,
        (example,),
        str(path),
        input_names=[INPUT_NAME],
        output_names=[OUTPUT_NAME],
        dynamic_shapes=({0: Dim("n", min=1)},),
        opset_version=OPSET,
        dynamo=True,
        external_data=False,
        verbose=False,
    )
    compact = store_weights_as_float16(onnx.load(path))
    onnx.checker.check_model(compact, full_check=True)
    onnx.save(compact, path)
