import pytest

from tests.reducible_graph import drawn_items, operators, reducible_graph
from training.export.reduced import reduced


def test_single_precision_is_the_graph_itself():
    graph = reducible_graph()
    assert reduced(graph, "fp32") is graph


def test_int8_takes_convolutions_only_with_frames():
    without = operators(reduced(reducible_graph(), "int8"))
    assert without.count("MatMulInteger") == 2
    assert "QuantizeLinear" not in without
    having = operators(reduced(reducible_graph(), "int8", drawn_items(16)))
    assert having.count("MatMulInteger") == 2
    assert "QuantizeLinear" in having


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_frames_for_another_precision_are_refused(precision):
    with pytest.raises(
        ValueError, match=f"calibration items for int8 alone, received some for {precision}"
    ):
        reduced(reducible_graph(), precision, drawn_items(16))
