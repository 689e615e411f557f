"""What a graph computes in, read from its types and from what it gives."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from model.manifest import EmbeddingPart
from training.export.compact_weights import store_weights_as_float16
from training.export.engine_graph import engine_graph, with_whole_weights
from training.export.tracklet_embedding import least_part_cosines

RANDOM = np.random.default_rng(0)
ITEMS = RANDOM.integers(0, 256, (8, 8, 8, 3), dtype=np.uint8)
PARTS = (EmbeddingPart(name="all", dimension=16),)


def small_graph():
    """A convolution, its bias, a rectifier, a mean, two products in a row."""
    weights = {
        "kernel": RANDOM.normal(size=(32, 3, 4, 4)) / 500,
        "bias": RANDOM.normal(size=32),
        "first": RANDOM.normal(size=(32, 64)),
        "second": RANDOM.normal(size=(16, 64)),
        "zeros": np.zeros(16),
    }
    initial = [numpy_helper.from_array(w.astype(np.float32), name) for name, w in weights.items()]
    initial.append(numpy_helper.from_array(np.array([2, 3], np.int64), "axes"))
    nodes = [
        helper.make_node("Cast", ["frames"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["float"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["planes", "kernel", "bias"], ["cells"], strides=[4, 4]),
        helper.make_node("Relu", ["cells"], ["positive"]),
        helper.make_node("ReduceMean", ["positive", "axes"], ["mean"], keepdims=0),
        helper.make_node("MatMul", ["mean", "first"], ["hidden"]),
        helper.make_node("Gemm", ["hidden", "second", "zeros"], ["features"], transB=1),
    ]
    source = helper.make_tensor_value_info("frames", TensorProto.UINT8, ["n", 8, 8, 3])
    target = helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", 16])
    graph = helper.make_graph(nodes, "small", [source], [target], initial)
    opset = [helper.make_opsetid("", 20)]
    return helper.make_model(graph, opset_imports=opset, ir_version=10)


@pytest.fixture(scope="module")
def graph():
    return small_graph()


def run(model):
    options = onnxruntime.SessionOptions()
    # It would fold rounding away, and does not know all kinds of it.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    return session.run(None, {"frames": ITEMS})[0]


def types_of(model):
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True)
    found = {value.name: value.type.tensor_type.elem_type for value in inferred.graph.value_info}
    found |= {tensor.name: tensor.data_type for tensor in inferred.graph.initializer}
    return found


def products(model):
    return [node for node in model.graph.node if node.op_type in {"Conv", "MatMul", "Gemm"}]


def test_single_precision_is_the_graph_itself(graph):
    same = engine_graph(graph, "fp32", "fp32", ITEMS)
    np.testing.assert_array_equal(run(same), run(graph))


def test_stored_weights_become_whole(graph):
    compact = store_weights_as_float16(graph)
    assert any(tensor.name == "first.float16" for tensor in compact.graph.initializer)
    whole = with_whole_weights(compact)
    names = {tensor.name for tensor in whole.graph.initializer}
    assert names == {tensor.name for tensor in graph.graph.initializer}
    assert [node.op_type for node in whole.graph.node] == [
        node.op_type for node in graph.graph.node
    ]
    np.testing.assert_array_equal(run(whole), run(compact))


@pytest.mark.parametrize(
    ("wanted", "kind"), [("fp16", TensorProto.FLOAT16), ("bf16", TensorProto.BFLOAT16)]
)
def test_products_are_lowered_and_nothing_else(graph, wanted, kind):
    lowered = engine_graph(graph, "fp32", wanted, ITEMS)
    types = types_of(lowered)
    for node in products(lowered):
        assert {types[name] for name in (*node.input, *node.output)} == {kind}
    assert types["positive"] == types["mean"] == TensorProto.FLOAT
    assert lowered.graph.output[0].type.tensor_type.elem_type == TensorProto.FLOAT
    # The second product reads what the first one wrote.
    assert products(lowered)[2].input[0] == products(lowered)[1].output[0]


@pytest.mark.parametrize(("wanted", "least"), [("fp16", 0.9999), ("int8", 0.999), ("fp8", 0.98)])
def test_it_computes_nearly_the_same(graph, wanted, least):
    cosines = least_part_cosines(run(graph), run(engine_graph(graph, "fp32", wanted, ITEMS)), PARTS)
    assert least <= cosines.min()
    assert cosines.min() < 0.999999 or wanted == "fp16"


@pytest.mark.parametrize(
    ("wanted", "kind", "largest"),
    [("int8", TensorProto.INT8, 127), ("fp8", TensorProto.FLOAT8E4M3FN, 448)],
)
def test_numbers_of_8_bits_are_symmetric_and_reach_the_farthest(graph, wanted, kind, largest):
    rounded = engine_graph(graph, "fp32", wanted, ITEMS)
    stored = {tensor.name: tensor for tensor in rounded.graph.initializer}
    zeros = [tensor for name, tensor in stored.items() if name.endswith(".zero")]
    assert len(zeros) == 6
    for zero in zeros:
        assert zero.data_type == kind
        assert not numpy_helper.to_array(zero).astype(np.float32).any()
    scale = numpy_helper.to_array(stored["planes.scale"])
    headroom = 2 if wanted == "fp8" else 1
    assert scale == pytest.approx(headroom * float(ITEMS.max()) / largest)
    second = numpy_helper.to_array(stored["second"])
    np.testing.assert_allclose(
        numpy_helper.to_array(stored["second.scale"]), np.abs(second).max(axis=1) / largest
    )
    assert numpy_helper.to_array(stored["kernel.scale"]).shape == (32,)
    assert numpy_helper.to_array(stored["first.scale"]).shape == (64,)


def test_a_graph_of_that_precision_stays_as_it_is(graph):
    assert engine_graph(graph, "int8", "int8", ITEMS) is graph


def test_a_graph_of_another_reduced_precision_is_refused(graph):
    with pytest.raises(ValueError, match="expected") as told:
        engine_graph(graph, "fp16", "int8", ITEMS)
    assert str(told.value) == (
        "expected an artifact in fp32 for an engine in int8, received one in fp16; "
        "build with --precision fp16, or export the artifact in fp32"
    )
