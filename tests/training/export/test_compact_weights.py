import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper

from training.export.compact_weights import store_weights_as_float16


def graph_of(weight, bias):
    nodes = [
        helper.make_node("MatMul", ["x", "weight"], ["product"]),
        helper.make_node("Add", ["product", "bias"], ["y"]),
    ]
    return helper.make_model(
        helper.make_graph(
            nodes,
            "linear",
            [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["n", 64])],
            [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["n", 32])],
            [numpy_helper.from_array(weight, "weight"), numpy_helper.from_array(bias, "bias")],
        ),
        opset_imports=[helper.make_opsetid("", 20)],
        ir_version=10,
    )


@pytest.fixture
def linear():
    generator = np.random.default_rng(0)
    return (
        generator.normal(size=(64, 32)).astype(np.float32),
        generator.normal(size=32).astype(np.float32),
    )


def test_it_computes_with_the_rounded_weights_in_single_precision(linear):
    weight, bias = linear
    compact = store_weights_as_float16(graph_of(weight, bias))
    onnx.checker.check_model(compact, full_check=True)
    session = onnxruntime.InferenceSession(compact.SerializeToString())
    x = np.random.default_rng(1).normal(size=(3, 64)).astype(np.float32)
    expected = x @ weight.astype(np.float16).astype(np.float32) + bias
    np.testing.assert_allclose(session.run(None, {"x": x})[0], expected, atol=1e-5)


def test_large_weights_halve_and_small_ones_stay(linear):
    stored = {w.name: w for w in store_weights_as_float16(graph_of(*linear)).graph.initializer}
    assert stored["weight.float16"].data_type == onnx.TensorProto.FLOAT16
    assert stored["bias"].data_type == onnx.TensorProto.FLOAT


def test_the_given_graph_is_left_alone(linear):
    graph = graph_of(*linear)
    before = graph.SerializeToString()
    store_weights_as_float16(graph)
    assert graph.SerializeToString() == before


@pytest.mark.parametrize("value", [1e5, np.inf, np.nan])
def test_a_weight_beyond_half_precision_is_refused(linear, value):
    weight, bias = linear
    weight[0, 0] = value
    with pytest.raises(ValueError, match="expected weights within ±65504, received .* 'weight'"):
        store_weights_as_float16(graph_of(weight, bias))
