import numpy as np
import onnx
import pytest

from tests.reducible_graph import FRAME, drawn_items, operators, reducible_graph, rows_of
from training.export.optimize import folded
from training.export.quantize import Int8Plan, quantized


@pytest.fixture(scope="module")
def graph() -> onnx.ModelProto:
    return folded(reducible_graph())


def test_products_are_quantized_without_frames(graph):
    result = quantized(graph, Int8Plan())
    assert operators(result).count("MatMulInteger") == 2
    assert operators(result).count("Conv") == 2
    _is_close(graph, result)


def test_convolutions_but_the_first_are_quantized_with_frames(graph):
    result = quantized(graph, Int8Plan(products="kept", convolutions=True), drawn_items(32))
    rounded = {node.output[0] for node in result.graph.node if node.op_type == "DequantizeLinear"}
    convolutions = {node.name: node for node in result.graph.node if node.op_type == "Conv"}
    assert set(convolutions["second"].input[:2]) <= rounded
    assert not set(convolutions["first"].input[:2]) & rounded
    assert operators(result).count("MatMul") == 2
    _is_close(graph, result)


def test_weights_use_seven_bits_by_output_channel(graph):
    result = quantized(graph, Int8Plan(products="static", convolutions=True), drawn_items(32))
    weights = [
        onnx.numpy_helper.to_array(weight)
        for weight in result.graph.initializer
        if weight.data_type == onnx.TensorProto.INT8 and len(weight.dims) > 1
    ]
    assert len(weights) == 3
    assert all(np.abs(weight.astype(int)).max() <= 64 for weight in weights)
    scales = {
        tuple(weight.dims)
        for weight in result.graph.initializer
        if weight.name.endswith("_scale") and "quantized" not in weight.name
    }
    assert {(16,), (4,), (5,)} <= scales
    _is_close(graph, result)


def test_what_was_given_is_left_alone_and_nothing_is_advised(graph, caplog):
    before = graph.SerializeToString()
    quantized(graph, Int8Plan(convolutions=True), drawn_items(16))
    assert graph.SerializeToString() == before
    assert caplog.records == []


@pytest.mark.parametrize(
    ("items", "received"),
    [
        (None, "received 0; give more real tracklets"),
        (drawn_items(15), "received 15; give more real tracklets"),
        (np.zeros((16, 8, 5, 3), np.uint8), r"received uint8 \[16, 8, 5, 3\]; resize"),
        (np.zeros((16, *FRAME), np.float32), r"received float32 \[16, 8, 6, 3\]; resize"),
    ],
)
def test_wrong_items_are_refused(graph, items, received):
    with pytest.raises(ValueError, match=r"expected.*uint8 \[n, 8, 6, 3\].*" + received):
        quantized(graph, Int8Plan(convolutions=True), items)


def test_a_plan_that_quantizes_nothing_is_refused(graph):
    with pytest.raises(ValueError, match="expected matrix products or convolutions.*received"):
        quantized(graph, Int8Plan(products="kept"))


def _is_close(expected: onnx.ModelProto, received: onnx.ModelProto) -> None:
    items = drawn_items(9, seed=1)
    one, other = rows_of(expected, items), rows_of(received, items)
    assert not np.array_equal(one, other)
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    assert (np.sum(one * other, axis=1) / lengths).min() > 0.98
