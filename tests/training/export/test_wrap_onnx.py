import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from tests.foreign_graphs import (
    DIMENSION,
    HEIGHT,
    WIDTH,
    by_hand,
    foreign,
    foreign_onnx,
    projection,
)
from training.export.foreign_onnx import tensors_of
from training.export.wrap_onnx import Ends, wrap_onnx

FRAMES = np.random.default_rng(5).integers(0, 256, (3, HEIGHT, WIDTH, 3), dtype=np.uint8)


def wrapped(model, shape=(DIMENSION,), **changes):
    inputs, outputs = tensors_of(model)
    wanted = foreign(None, **changes).input
    return wrap_onnx(model, Ends(inputs[0], outputs[0], shape, (HEIGHT, WIDTH)), wanted)


def run(model, frames=FRAMES):
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    (frames_in,), (features,) = session.get_inputs(), session.get_outputs()
    assert frames_in.type == "tensor(uint8)"
    assert frames_in.shape[1:] == [HEIGHT, WIDTH, 3]
    assert (features.type, features.shape[1:]) == ("tensor(float)", [DIMENSION])
    return session.run(None, {frames_in.name: frames})[0]


@pytest.mark.parametrize("colour", ["RGB", "BGR"])
def test_colours_scale_mean_deviation_and_layout_go_inside(colour):
    expected = by_hand(FRAMES, projection(), colour=colour)
    np.testing.assert_allclose(run(wrapped(foreign_onnx(), colour=colour)), expected, atol=1e-3)


@pytest.mark.parametrize(
    ("graph", "shape"),
    [
        ({"batch": 1}, (DIMENSION,)),
        ({"batch": 1, "rows": ([1, -1],)}, (DIMENSION,)),
        ({"batch": 2, "rows": ([2, 24],)}, (DIMENSION,)),
        ({"tail": (1, 1)}, (DIMENSION, 1, 1)),
        ({"opset": 7}, (DIMENSION,)),
        ({"opset": 20}, (DIMENSION,)),
    ],
    ids=str,
)
def test_graphs_of_many_kinds_give_a_row_for_each_frame(graph, shape):
    np.testing.assert_allclose(
        run(wrapped(foreign_onnx(**graph), shape)), by_hand(FRAMES, projection()), atol=1e-3
    )


def test_half_precision_in_and_out():
    features = run(wrapped(foreign_onnx(kind=TensorProto.FLOAT16)))
    np.testing.assert_allclose(features, by_hand(FRAMES, projection()), atol=0.05)


def test_names_that_are_taken_are_left_to_the_graph():
    model = foreign_onnx()
    for node in model.graph.node:
        node.input[:] = ["frames" if name == "data" else name for name in node.input]
        node.output[:] = ["features" if name == "embedding" else name for name in node.output]
    model.graph.input[0].name, model.graph.output[0].name = "frames", "features"
    np.testing.assert_allclose(run(wrapped(model)), by_hand(FRAMES, projection()), atol=1e-3)


def test_each_frame_may_count_the_same():
    rows = run(wrapped(foreign_onnx(), normalise_frames=True))
    expected = by_hand(FRAMES, projection())
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(rows, expected, atol=1e-4)


def test_operators_and_inputs_that_the_embedding_needs_not_are_left_out():
    model = foreign_onnx()
    model.graph.input.append(helper.make_tensor_value_info("camera", TensorProto.FLOAT, [1]))
    model.graph.node.append(helper.make_node("Relu", ["camera"], ["unused"]))
    model.graph.output.append(helper.make_tensor_value_info("unused", TensorProto.FLOAT, [1]))
    kept = wrapped(model)
    assert "camera" not in {name for node in kept.graph.node for name in node.input}
    run(kept)


def test_an_embedding_of_more_than_frames_is_refused():
    model = foreign_onnx()
    model.graph.input.append(helper.make_tensor_value_info("camera", TensorProto.FLOAT, [1]))
    model.graph.node[-1].CopyFrom(helper.make_node("Add", ["product", "camera"], ["embedding"]))
    with pytest.raises(ValueError, match="an embedding of frames alone, .* needs 'camera' too"):
        wrapped(model)


def test_a_graph_of_bytes_is_not_scaled():
    with pytest.raises(ValueError, match="expected --scale 1 --mean 0 --std 1 for 'data' uint8"):
        wrapped(foreign_onnx(kind=TensorProto.UINT8))


def test_the_graph_that_was_given_is_left_alone():
    model = foreign_onnx(batch=1, rows=([1, -1],))
    before = model.SerializeToString(deterministic=True)
    wrapped(model)
    assert model.SerializeToString(deterministic=True) == before
