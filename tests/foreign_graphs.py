"""Tiny graphs as other people's exporters write them: float input, normalisation left to the user.

A frame of 32 by 16 is averaged over cells of 8 by 8, and the 24 means are projected with a seeded
random matrix, so that colour order, layout and every channel's normalisation matter.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from training.export.description import ArtifactCard
from training.export.foreign_input import ForeignInput
from training.export.imported_artifact import Foreign
from training.export.openvino_runtime import openvino_runtime

HEIGHT, WIDTH, DIMENSION = 32, 16, 6
CARD = ArtifactCard(
    name="theirs", version="3", data="nobody knows", data_licence="Ask them.", training="Elsewhere."
)
NORMALISED = {"scale": 255.0, "mean": (0.5, 0.4, 0.3), "std": (0.2, 0.25, 0.3)}


def projection(seed=0):
    """float32 [24, 6]."""
    return np.random.default_rng(seed).normal(size=(24, DIMENSION)).astype(np.float32)


def foreign_onnx(
    batch="n", *, kind=TensorProto.FLOAT, tail=(), rows=("Flatten",), opset=13, size=(HEIGHT, WIDTH)
):
    """`data` [batch, 3, 32, 16] → `embedding` [batch, 6]; `tail` adds axes of one to the output."""
    dtype = helper.tensor_dtype_to_np_dtype(kind)
    nodes = [
        helper.make_node("AveragePool", ["data"], ["cells"], kernel_shape=[8, 8], strides=[8, 8]),
    ]
    initial = [numpy_helper.from_array(projection().astype(dtype), "weights")]
    last = "cells"
    for number, row in enumerate(rows):
        name = f"row_{number}"
        if row == "Flatten":
            nodes.append(helper.make_node("Flatten", [last], [name]))
        else:
            initial.append(numpy_helper.from_array(np.array(row, np.int64), f"shape_{number}"))
            nodes.append(helper.make_node("Reshape", [last, f"shape_{number}"], [name]))
        last = name
    nodes.append(helper.make_node("MatMul", [last, "weights"], ["product"]))
    if tail:
        initial.append(numpy_helper.from_array(np.array([0, DIMENSION, *tail], np.int64), "tail"))
        nodes.append(helper.make_node("Reshape", ["product", "tail"], ["embedding"]))
    else:
        nodes.append(helper.make_node("Identity", ["product"], ["embedding"]))
    nodes[0].doc_string = "/home/somebody/secret_project/train.py(12): forward"
    graph = helper.make_graph(
        nodes,
        "theirs",
        [helper.make_tensor_value_info("data", kind, [batch, 3, *size])],
        [helper.make_tensor_value_info("embedding", kind, [batch, DIMENSION, *tail])],
        initial,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def write_onnx(folder, model=None):
    """A file of that graph, or of the default one."""
    path = folder / "theirs.onnx"
    onnx.save(foreign_onnx() if model is None else model, path)
    return path


def write_ir(folder, batch=1):
    """`theirs.xml` and `.bin`: the same arithmetic with weights in half precision."""
    runtime = openvino_runtime()
    ops = runtime.opset13
    data = ops.parameter([batch, 3, HEIGHT, WIDTH], np.float32, "data")
    data.output(0).get_tensor().set_names({"data"})
    cells = ops.avg_pool(data, [8, 8], [0, 0], [0, 0], [8, 8], False)
    row = ops.reshape(cells, np.array([0, -1], np.int64), special_zero=True)
    weights = ops.constant(projection(), np.float32)
    result = ops.matmul(row, weights, False, False)
    result.output(0).get_tensor().set_names({"embedding"})
    model = runtime.Model([ops.result(result)], [data], "theirs")
    model.set_rt_info("/home/somebody/secret_project/theirs.onnx", ["conversion", "input_model"])
    path = folder / "theirs.xml"
    runtime.save_model(model, str(path), compress_to_fp16=True)
    return path


def foreign(path, *, weights=None, most_frames=32, **changes):
    """What is asked of `reid-train import`."""
    stated = {"layout": "NCHW", "colour": "BGR", **NORMALISED, **changes}
    return Foreign(path, weights, ForeignInput(**stated), most_frames)


def by_hand(frames, weights, *, colour="BGR"):
    """Features of frames uint8 [n, 32, 16, 3] in plain numpy and double precision."""
    order = [2, 1, 0] if colour == "BGR" else [0, 1, 2]
    pixels = frames[..., order].astype(np.float64) / NORMALISED["scale"]
    values = (pixels - NORMALISED["mean"]) / NORMALISED["std"]
    cells = values.reshape(len(frames), 4, 8, 2, 8, 3).mean(axis=(2, 4))
    return cells.transpose(0, 3, 1, 2).reshape(len(frames), 24) @ weights
