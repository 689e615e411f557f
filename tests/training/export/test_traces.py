import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from training.export.traces import remove_traces

NOTE = "/home/somebody/network.py"


def noted(proto):
    proto.doc_string = NOTE
    proto.metadata_props.add(key="trace", value=NOTE)
    return proto


def branch(name, value):
    """A graph inside a node."""
    constant = noted(numpy_helper.from_array(np.array(value, dtype=np.float32)))
    node = noted(helper.make_node("Constant", [], [name], value=constant))
    node.attribute[0].doc_string = NOTE
    held = noted(helper.make_tensor_value_info(name, TensorProto.FLOAT, []))
    return noted(helper.make_graph([node], name, [], [held]))


@pytest.fixture
def traced():
    """A graph that holds a note wherever one can be."""
    weight = noted(numpy_helper.from_array(np.float32([2]), "weight"))
    choice = helper.make_node(
        "If", ["asked"], ["chosen"], then_branch=branch("yes", 1), else_branch=branch("no", 5)
    )
    double = noted(
        helper.make_function(
            "own", "Double", ["a"], ["b"], [noted(helper.make_node("Add", ["a", "a"], ["b"]))],
            [helper.make_opsetid("", 20)],
        )
    )  # fmt: skip
    nodes = [
        choice,
        noted(helper.make_node("Mul", ["chosen", "weight"], ["product"])),
        helper.make_node("Double", ["product"], ["y"], domain="own"),
    ]
    graph = helper.make_graph(
        nodes,
        "traced",
        [noted(helper.make_tensor_value_info("asked", TensorProto.BOOL, []))],
        [noted(helper.make_tensor_value_info("y", TensorProto.FLOAT, [1]))],
        [weight],
        value_info=[noted(helper.make_tensor_value_info("product", TensorProto.FLOAT, [1]))],
    )
    imports = [helper.make_opsetid("", 20), helper.make_opsetid("own", 1)]
    model = helper.make_model(
        noted(graph), functions=[double], opset_imports=imports, ir_version=10,
        producer_name=NOTE, producer_version=NOTE,
    )  # fmt: skip
    return noted(model)


def answers(model):
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return [session.run(None, {"asked": np.array(asked)})[0].tolist() for asked in (True, False)]


def test_every_note_is_removed_and_the_graph_computes_what_it_did(traced):
    before = answers(traced)
    assert traced.SerializeToString().count(NOTE.encode()) > 20
    remove_traces(traced)
    assert NOTE.encode() not in traced.SerializeToString()
    onnx.checker.check_model(traced, full_check=True)
    assert answers(traced) == before == [[4.0], [20.0]]


def test_a_graph_without_notes_is_left_as_it_is(traced):
    remove_traces(traced)
    once = traced.SerializeToString(deterministic=True)
    remove_traces(traced)
    assert traced.SerializeToString(deterministic=True) == once
    assert b"trace" not in once.replace(b"traced", b"")
    assert not traced.graph.node[1].attribute
    (value,) = traced.graph.node[0].attribute[0].g.node[0].attribute
    assert value.HasField("t")
    assert not value.HasField("g")
