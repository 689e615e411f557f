import numpy as np
import onnx
import pytest
from onnx import helper

from tests.foreign_graphs import foreign_onnx, projection, write_onnx
from training.export.foreign_onnx import read_onnx, tensors_of


def with_weights_outside(folder, **changes):
    """The weights in a file of their own, the entry that names it as `changes` say."""
    model = foreign_onnx()
    weights = model.graph.initializer[0]
    (folder / "weights.bin").write_bytes(b"1234" + projection().tobytes())
    weights.ClearField("raw_data")
    weights.data_location = onnx.TensorProto.EXTERNAL
    told = {"location": "weights.bin", "offset": 4, "length": projection().nbytes, **changes}
    for key, value in told.items():
        weights.external_data.add(key=key, value=str(value))
    path = folder / "theirs.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def test_weights_in_other_files_are_merged(tmp_path):
    weights = read_onnx(with_weights_outside(tmp_path)).graph.initializer[0]
    np.testing.assert_array_equal(onnx.numpy_helper.to_array(weights), projection())
    assert not weights.external_data


@pytest.mark.parametrize("location", ["../weights.bin", "/etc/passwd", "link.bin", ""])
def test_weights_elsewhere_are_refused(tmp_path, location):
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "weights.bin").write_bytes(bytes(4096))
    (folder / "link.bin").symlink_to(tmp_path / "weights.bin")
    path = with_weights_outside(folder, location=location)
    told = f"expected the weights 'weights' beside .*path {location!r}, which leads elsewhere; save"
    with pytest.raises(ValueError, match=told):
        read_onnx(path)


def test_weights_that_are_not_there_or_cut_short_are_refused(tmp_path):
    with pytest.raises(ValueError, match="in 'gone.bin' beside it, received no file; copy it too"):
        read_onnx(with_weights_outside(tmp_path, location="gone.bin"))
    told = "expected 100576 bytes or more in 'weights.bin' for the weights 'weights' of theirs.onnx"
    with pytest.raises(ValueError, match=told):
        read_onnx(with_weights_outside(tmp_path, offset=100000))


@pytest.mark.parametrize("content", [b"", b"no graph at all", b"\x00" * 100, b"<?xml?><net/>"])
def test_a_file_that_is_no_graph(tmp_path, content):
    path = tmp_path / "theirs.onnx"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="expected an ONNX graph in theirs.onnx, received: .*give"):
        read_onnx(path)


def test_no_file(tmp_path):
    with pytest.raises(ValueError, match="expected a graph at .*received no file; check the path"):
        read_onnx(tmp_path / "theirs.onnx")


def test_operators_of_other_libraries_are_named(tmp_path):
    model = foreign_onnx()
    model.graph.node.append(helper.make_node("Own", ["data"], ["own"], domain="their.library"))
    with pytest.raises(ValueError, match="received their.library::Own; export it without custom"):
        read_onnx(write_onnx(tmp_path, model))


def test_unknown_operators_are_named(tmp_path):
    model = foreign_onnx()
    model.graph.node.append(helper.make_node("Frobnicate", ["data"], ["own"]))
    with pytest.raises(ValueError, match="expected an ONNX graph .*Frobnicate"):
        read_onnx(write_onnx(tmp_path, model))


def test_weights_among_the_inputs_are_none(tmp_path):
    """As graphs of old exporters list them."""
    model = foreign_onnx()
    weights = helper.make_tensor_value_info("weights", onnx.TensorProto.FLOAT, [24, 6])
    model.graph.input.append(weights)
    inputs, outputs = tensors_of(read_onnx(write_onnx(tmp_path, model)))
    assert [str(tensor) for tensor in inputs] == ["'data' float32 [any, 3, 32, 16]"]
    assert [tensor.fixed_batch for tensor in outputs] == [None]
