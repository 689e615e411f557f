import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from model.manifest import load_manifest, verify_files
from tests.foreign_graphs import (
    CARD,
    DIMENSION,
    HEIGHT,
    WIDTH,
    by_hand,
    foreign,
    foreign_onnx,
    projection,
    write_ir,
    write_onnx,
)
from training.export import imported_artifact
from training.export.gate import GateError
from training.export.graph_runner import open_runner
from training.export.imported_artifact import write_imported_artifact

FORMATS = ["onnx", "openvino"]


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """One artifact of each format, both from graphs that take one frame at a time."""
    directories = {}
    for name in FORMATS:
        folder = tmp_path_factory.mktemp(name)
        if name == "onnx":
            path = write_onnx(folder, foreign_onnx(batch=1, rows=([1, -1],), tail=(1, 1)))
        else:
            path = write_ir(folder)
        directories[name] = folder / "artifact"
        write_imported_artifact(foreign(path), directories[name], CARD, commit="abc123")
    return directories


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_published_keeps_the_contract(published, name):
    manifest = load_manifest(published[name])
    verify_files(published[name], manifest)
    assert manifest.graph.format == name
    assert (manifest.preprocessing.height, manifest.preprocessing.width) == (HEIGHT, WIDTH)
    assert manifest.preprocessing.choice.most == 32
    assert manifest.output.dimension == DIMENSION
    assert manifest.gate.measured.least_cosine >= 0.9999
    assert set(manifest.files) == {path.name for path in published[name].iterdir()} - {
        "manifest.json"
    }


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("count", [1, 2, 7])
def test_features_are_those_of_the_graph_with_its_preprocessing_done_by_hand(
    published, name, count
):
    frames = np.random.default_rng(3).integers(0, 256, (count, HEIGHT, WIDTH, 3), dtype=np.uint8)
    run = open_runner(published[name], load_manifest(published[name]).graph)
    weights = projection()
    if name == "openvino":
        weights = weights.astype(np.float16)
    expected = by_hand(frames, weights.astype(np.float64))
    np.testing.assert_allclose(run(frames), expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", FORMATS)
def test_nothing_of_the_machine_it_was_made_on_is_left(published, name):
    graph = load_manifest(published[name]).graph
    for file in graph.files:
        assert b"somebody" not in (published[name] / file).read_bytes()


@pytest.mark.parametrize("name", FORMATS)
def test_the_card_says_what_is_known_and_what_is_not(published, name):
    card = " ".join((published[name] / "MODEL_CARD.md").read_text().split())
    for told in ("# theirs 3", "Ask them.", "Data: nobody knows", "theirs.", "sha256", "BGR"):
        assert told in card
    assert "The manifest holds no result of its own." in card


def test_weights_of_an_ir_stay_as_compressed_as_they_were(published, tmp_path):
    before = write_ir(tmp_path).with_suffix(".bin").stat().st_size
    assert (published["openvino"] / "model.bin").stat().st_size < before + 200


def test_operators_and_weights_of_an_onnx_graph_stay_as_they_were(published):
    wrapped = onnx.load(published["onnx"] / "model.onnx").graph
    weights = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in wrapped.initializer}
    np.testing.assert_array_equal(weights["weights"], projection())


def test_a_graph_that_ignores_its_input_is_not_published(tmp_path):
    model = foreign_onnx()
    model.graph.initializer[0].CopyFrom(
        onnx.numpy_helper.from_array(np.zeros((24, DIMENSION), np.float32), "weights")
    )
    with pytest.raises((GateError, ValueError), match="expected"):
        write_imported_artifact(
            foreign(write_onnx(tmp_path, model)), tmp_path / "artifact", CARD, commit="abc123"
        )
    assert [path.name for path in tmp_path.iterdir()] == ["theirs.onnx"]


def test_a_wrapper_that_swaps_colours_is_caught(tmp_path, monkeypatch):
    """The gate holds what was wrapped against the user's own file."""
    wrap = imported_artifact.wrap_onnx
    rgb = foreign(tmp_path, colour="RGB").input
    monkeypatch.setattr(
        imported_artifact, "wrap_onnx", lambda model, ends, _: wrap(model, ends, rgb)
    )
    with pytest.raises(GateError, match="expected a cosine of at least 0.9999 in every row"):
        write_imported_artifact(
            foreign(write_onnx(tmp_path)), tmp_path / "artifact", CARD, commit="abc123"
        )
    assert not (tmp_path / "artifact").exists()


def refused(tmp_path, path, told, **changes):
    with pytest.raises(ValueError, match=told):
        write_imported_artifact(
            foreign(path, **changes), tmp_path / "artifact", CARD, commit="abc123"
        )
    assert not (tmp_path / "artifact").exists()


def test_channels_elsewhere_than_the_layout_says(tmp_path):
    told = r"3 channels on axis 3 for layout NHWC, received 'data' float32 \[{}, 3, 32, 16\]; say"
    refused(tmp_path, write_onnx(tmp_path), told.format("any"), layout="NHWC")
    refused(tmp_path, write_ir(tmp_path), told.format("1") + " --input-layout NCHW", layout="NHWC")


def test_a_size_that_is_not_the_graphs(tmp_path):
    told = "expected frames of the graph's own size, received --size 64x32 for 'data'"
    refused(tmp_path, write_onnx(tmp_path), told, size=(64, 32))


def test_a_size_that_nobody_says(tmp_path):
    path = write_onnx(tmp_path, foreign_onnx(size=("h", "w")))
    refused(tmp_path, path, "expected a size of frames, received 'data'.*say --size HEIGHTxWIDTH")
    refused(tmp_path, path, "expected a graph that runs on 1 frames of 64x64", size=(64, 64))


def test_a_number_of_frames_that_is_fixed_inside(tmp_path):
    path = write_onnx(tmp_path, foreign_onnx(batch=1, rows=([24], [1, 24])))
    refused(tmp_path, path, "(?s)any number of frames, received 'data'.*export it again with a dyn")


def test_an_input_of_another_kind(tmp_path):
    path = write_onnx(tmp_path, foreign_onnx(kind=TensorProto.DOUBLE))
    refused(
        tmp_path, path, "expected an input of float32, float16 or uint8, received 'data' float64"
    )


def test_an_output_that_is_no_row(tmp_path):
    model = foreign_onnx()
    model.graph.output.append(
        helper.make_tensor_value_info("cells", TensorProto.FLOAT, ["n", 3, 4, 2])
    )
    path = write_onnx(tmp_path, model)
    refused(tmp_path, path, "expected one output of the graph, received 'embedding'.*--output-name")
    refused(tmp_path, path, r"one row of numbers per frame.*\[1, 3, 4, 2\]", output_name="cells")
    refused(tmp_path, path, "expected an output 'no' of the graph, received", output_name="no")


def test_a_directory_of_other_things_is_never_replaced(tmp_path):
    path = write_onnx(tmp_path)
    with pytest.raises(ValueError, match="to be absent, empty or an artifact, received something"):
        write_imported_artifact(foreign(path), tmp_path, CARD, commit="abc123")
    assert path.exists()
