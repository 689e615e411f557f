import onnx

from training.export.network_graph import OUTPUT_NAME
from training.export.to_onnx import OPSET


def test_the_graph_has_one_input_one_output_and_only_n_is_dynamic(published):
    graph = onnx.load(published / "model.onnx")
    (frames,), (features,) = graph.graph.input, graph.graph.output
    assert (frames.name, features.name) == ("frames", OUTPUT_NAME)
    assert frames.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    assert features.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    shape = frames.type.tensor_type.shape.dim
    assert shape[0].dim_param
    assert [d.dim_value for d in shape][1:] == [64, 32, 3]
    assert features.type.tensor_type.shape.dim[1].dim_value == 320
    assert graph.opset_import[0].version == OPSET
