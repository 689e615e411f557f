import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from tests.reducible_graph import drawn_items, reducible_graph, rows_of
from training.export.half_precision import half_precision
from training.export.optimize import folded


def test_convolutions_and_products_compute_in_float16_between_types_of_before():
    graph = folded(reducible_graph())
    result = half_precision(graph)
    weights = {weight.name: weight.data_type for weight in result.graph.initializer}
    assert weights["colours"] == weights["mixing"] == onnx.TensorProto.FLOAT16
    assert weights["gain"] == onnx.TensorProto.FLOAT  # of the norm
    types = [
        value.type.tensor_type.elem_type
        for value in (result.graph.input[0], result.graph.output[0])
    ]
    assert types == [onnx.TensorProto.UINT8, onnx.TensorProto.FLOAT]
    items = drawn_items(5)
    expected, received = rows_of(graph, items), rows_of(result, items)
    np.testing.assert_allclose(received, expected, atol=2e-2)
    assert not np.array_equal(received, expected)


def test_a_weight_beyond_float16_is_refused_by_name():
    graph = folded(reducible_graph(largest_weight=7e4))
    with pytest.raises(
        ValueError,
        match=r"expected weights within ±65504, received 70000 in 'projection'; keep the graph in "
        "fp32, or train with more weight decay",
    ):
        half_precision(graph)


def test_a_weight_that_norms_and_others_share_is_cast_once():
    """Folding makes one of weights that are equal, as those of fresh norms are."""
    graph = reducible_graph()
    norm, product = (
        next(node for node in graph.graph.node if node.name == name)
        for name in ("norm", "mixing_product")
    )
    shared = [
        helper.make_node("Mul", ["normed", "gain"], ["halved"], "shared"),
        helper.make_node("LayerNormalization", ["halved", "gain"], ["again"], "second_norm"),
    ]
    product.input[0] = "again"
    place = list(graph.graph.node).index(norm) + 1
    for node in reversed(shared):
        graph.graph.node.insert(place, node)
    next(w for w in graph.graph.initializer if w.name == "gain").CopyFrom(
        numpy_helper.from_array(np.full(16, 0.5, np.float32), "gain")
    )
    graph = folded(graph)
    items = drawn_items(5)
    received = rows_of(half_precision(graph), items)
    np.testing.assert_allclose(received, rows_of(graph, items), atol=2e-2)
