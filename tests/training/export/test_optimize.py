import numpy as np
import onnx
import pytest

from tests.reducible_graph import drawn_items, operators, reducible_graph, rows_of
from training.export.optimize import folded


def test_folding_computes_stored_weights_and_changes_no_row():
    graph = reducible_graph()
    result = folded(graph)
    assert operators(result).count("Cast") == 1  # of the pixels
    assert {weight.data_type for weight in result.graph.initializer} <= {
        onnx.TensorProto.FLOAT,
        onnx.TensorProto.INT64,
    }
    items = drawn_items(5)
    np.testing.assert_allclose(rows_of(result, items), rows_of(graph, items), atol=1e-6)


def test_only_domains_in_use_are_declared():
    assert [imported.domain for imported in folded(reducible_graph()).opset_import] == [""]


def test_a_graph_that_does_not_load_is_refused():
    graph = reducible_graph()
    graph.graph.node[4].input[0] = "nowhere"
    with pytest.raises(
        ValueError, match="expected a graph that ONNX Runtime loads, received.*export it again"
    ):
        folded(graph)
