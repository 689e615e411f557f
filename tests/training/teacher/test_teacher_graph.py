import hashlib

import numpy as np
import openvino
import pytest

from tests.mean_colour_graph import write_mean_colour_graph
from training.teacher.teacher_graph import TeacherGraph, TeacherInput, graph_sha256

FRAME = np.full((32, 16, 3), (40, 80, 120), np.uint8)


@pytest.fixture
def graph(tmp_path):
    return write_mean_colour_graph(tmp_path / "teacher.onnx")


def given(**changes):
    return TeacherInput.model_validate({"height": 32, "width": 16, **changes})


def unit(*values):
    return np.array(values, np.float32) / np.linalg.norm(values)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, unit(40, 80, 120)),
        ({"colour": "bgr"}, unit(120, 80, 40)),
        ({"mean": (10, 20, 30), "std": (1, 2, 3)}, unit(30, 30, 30)),
        ({"colour": "bgr", "mean": (100, 0, 0)}, unit(20, 80, 40)),
    ],
    ids=["rgb", "bgr", "mean and std", "mean of the teacher's own first channel"],
)
def test_a_frame_is_given_as_the_teacher_wants_it(graph, changes, expected):
    np.testing.assert_allclose(
        TeacherGraph(graph, given(**changes), threads=1).embed(FRAME), expected, rtol=1e-5
    )


def test_an_answer_is_not_overwritten_by_the_next(graph):
    teacher = TeacherGraph(graph, given(), threads=1)
    first = teacher.embed(FRAME)
    kept = first.copy()
    teacher.embed(FRAME[:, :, ::-1])
    assert np.array_equal(first, kept)


def test_an_intermediate_representation_says_the_same_and_its_digest_covers_the_weights(
    graph, tmp_path
):
    xml = tmp_path / "ir.xml"
    openvino.save_model(openvino.Core().read_model(graph), xml, compress_to_fp16=False)
    expected = TeacherGraph(graph, given(), threads=1).embed(FRAME)
    teacher = TeacherGraph(xml, given(), threads=1)
    np.testing.assert_allclose(teacher.embed(FRAME), expected, rtol=1e-6)
    weights = xml.with_suffix(".bin")
    assert teacher.sha256 == hashlib.sha256(xml.read_bytes() + weights.read_bytes()).hexdigest()
    weights.write_bytes(weights.read_bytes() + b"more")
    assert graph_sha256(xml) != teacher.sha256


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("teacher.pt", r"expected a graph that ends in .onnx or .xml \(OpenVINO IR\), received"),
        ("absent.onnx", "expected a file at .*absent.onnx, received none; restore it"),
        ("alone.xml", "expected a file at .*alone.bin, received none; restore it"),
        ("broken.onnx", r"expected a graph at .* that takes \[1, 3, 32, 16\], received: "),
    ],
)
def test_what_is_no_graph_is_refused(tmp_path, name, message):
    if name in {"alone.xml", "broken.onnx"}:
        (tmp_path / name).write_text("no graph")
    with pytest.raises(ValueError, match=message):
        TeacherGraph(tmp_path / name, given())


def test_a_graph_of_two_inputs_is_refused(tmp_path):
    graph = write_mean_colour_graph(tmp_path / "two.onnx", inputs=2)
    with pytest.raises(ValueError, match="expected a graph with one input at .*, received 2"):
        TeacherGraph(graph, given())


def test_an_embedding_without_a_direction_is_refused(graph):
    teacher = TeacherGraph(graph, given(), threads=1)
    with pytest.raises(ValueError, match="received one of length 0.0; check --colour"):
        teacher.embed(np.zeros_like(FRAME))
