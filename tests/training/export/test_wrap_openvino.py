import numpy as np
import pytest

from tests.foreign_graphs import HEIGHT, WIDTH, by_hand, foreign, projection, write_ir
from training.export.graph_runner import openvino_runner
from training.export.wrap_onnx import Ends
from training.export.wrap_openvino import (
    is_quantized,
    read_ir,
    run_ir,
    save_ir,
    tensors_of,
    wrap_ir,
)

FRAMES = np.random.default_rng(5).integers(0, 256, (3, HEIGHT, WIDTH, 3), dtype=np.uint8)


def wrapped(tmp_path, batch=1, **changes):
    path = write_ir(tmp_path, batch)
    model = read_ir(path, path.with_suffix(".bin"))
    inputs, outputs = tensors_of(model)
    ends = Ends(inputs[0], outputs[0], (6,), (HEIGHT, WIDTH))
    file = tmp_path / "wrapped.xml"
    return openvino_runner(
        file, save_ir(wrap_ir(model, ends, foreign(None, **changes).input), file)
    )


@pytest.mark.parametrize("batch", [1, 2, -1])
@pytest.mark.parametrize("colour", ["RGB", "BGR"])
def test_any_number_of_frames_with_everything_inside(tmp_path, batch, colour):
    run = wrapped(tmp_path, batch, colour=colour)
    weights = projection().astype(np.float16).astype(np.float64)
    np.testing.assert_allclose(run(FRAMES), by_hand(FRAMES, weights, colour=colour), atol=1e-2)


def test_each_frame_may_count_the_same(tmp_path):
    rows = wrapped(tmp_path, normalise_frames=True)(FRAMES)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


def test_the_graph_as_it_came_runs_on_its_own_input(tmp_path):
    path = write_ir(tmp_path)
    model = read_ir(path, path.with_suffix(".bin"))
    values = foreign(None).input.values(FRAMES[:1])
    row = run_ir(model, ("data", "embedding"))(values)
    weights = projection().astype(np.float16).astype(np.float64)
    np.testing.assert_allclose(row, by_hand(FRAMES[:1], weights), atol=1e-2)
    assert not is_quantized(model)


def test_weights_that_are_missing_or_cut_short(tmp_path):
    path = write_ir(tmp_path)
    weights = path.with_suffix(".bin")
    with pytest.raises(ValueError, match=r"expected the weights of an OpenVINO IR at .*none.bin"):
        read_ir(path, tmp_path / "none.bin")
    weights.write_bytes(weights.read_bytes()[:50])
    with pytest.raises(ValueError, match=r"(?s)IR in theirs.xml with its weights in theirs.bin, r"):
        read_ir(path, weights)


@pytest.mark.parametrize("content", [b"", b"no xml", b"<net/>", b"<?xml version='1.0'?><html/>"])
def test_a_file_that_is_no_ir(tmp_path, content):
    path = write_ir(tmp_path)
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"(?s)expected an OpenVINO IR in theirs.xml.*copy both"):
        read_ir(path, path.with_suffix(".bin"))


def test_unknown_operators(tmp_path):
    path = write_ir(tmp_path)
    path.write_text(path.read_text().replace('type="AvgPool"', 'type="Frobnicate"'))
    with pytest.raises(ValueError, match=r"(?s)expected an OpenVINO IR .*Frobnicate"):
        read_ir(path, path.with_suffix(".bin"))
