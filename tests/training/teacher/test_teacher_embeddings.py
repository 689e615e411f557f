import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from tests.mean_colour_graph import write_mean_colour_graph
from training.data.frame_reading import read_frame
from training.data.tracklet import Tracklet
from training.teacher.teacher_embeddings import TeacherEmbeddings
from training.teacher.teacher_graph import TeacherGraph, TeacherInput


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    graph = write_mean_colour_graph(tmp_path_factory.mktemp("teacher") / "teacher.onnx")
    return TeacherGraph(graph, TeacherInput(height=32, width=16), threads=1)


@pytest.fixture(scope="module")
def computed(teacher, drawn_tracklets):
    return TeacherEmbeddings.compute(teacher, drawn_tracklets)


def test_rows_are_what_the_teacher_says_of_each_frame_in_the_order_asked(
    teacher, computed, drawn_tracklets, tmp_path
):
    computed.write(tmp_path / "teacher.safetensors")
    stored = TeacherEmbeddings.read(tmp_path / "teacher.safetensors", graph_sha256=teacher.sha256)
    asked = [drawn_tracklets[5], drawn_tracklets[0]]
    paths = [path for tracklet in asked for path in tracklet.frames]
    expected = [teacher.embed(read_frame(path, height=32, width=16)) for path in paths]
    assert np.array_equal(stored.of(asked).numpy(), np.stack(expected))


def test_a_frame_that_is_there_twice_is_embedded_once_and_found_wherever_it_lies(
    teacher, drawn_tracklets, tmp_path
):
    copied = tmp_path / "another name.jpg"
    original = drawn_tracklets[0].frames[0]
    copied.write_bytes(original.read_bytes())
    seen = []
    both = TeacherEmbeddings.compute(
        teacher, [Tracklet("both", 1, 1, (original, copied))], lambda: seen.append(1)
    )
    assert len(both.rows) == 1
    assert len(seen) == 2
    assert both.of([Tracklet("copy", 9, 9, (copied,))]).shape == (1, 3)


def test_a_frame_that_the_teacher_never_saw_is_named(computed, drawn_tracklets, tmp_path):
    changed = tmp_path / "changed.jpg"
    changed.write_bytes(drawn_tracklets[0].frames[0].read_bytes() + b"changed")
    with pytest.raises(ValueError, match=r"received none of .*changed.jpg; run `reid-train teach`"):
        computed.of([drawn_tracklets[0], Tracklet("changed", 1, 1, (changed,))])
    absent = Tracklet("absent", 1, 1, (tmp_path / "absent.jpg",))
    with pytest.raises(ValueError, match=r"expected a frame at .*absent.jpg, received: "):
        computed.of([absent])


def test_the_embeddings_of_another_teacher_are_refused(computed, tmp_path):
    path = tmp_path / "teacher.safetensors"
    computed.write(path)
    with pytest.raises(
        ValueError,
        match=rf"expected the embeddings of the teacher {'0' * 64} in .*, received those of "
        rf"{computed.graph_sha256}; correct losses.teacher.graph_sha256",
    ):
        TeacherEmbeddings.read(path, graph_sha256="0" * 64)


@pytest.mark.parametrize("kind", ["absent", "text", "weights"])
def test_a_file_of_another_kind_is_refused(tmp_path, kind):
    path = tmp_path / "file.safetensors"
    if kind == "text":
        path.write_text("nothing of the kind")
    if kind == "weights":
        save_file({"weight": torch.zeros(2)}, path, metadata={"graph_sha256": "0" * 64})
    with pytest.raises(ValueError, match=r"expected a teacher's embeddings at .*, received"):
        TeacherEmbeddings.read(path, graph_sha256="0" * 64)


def test_an_embedding_without_a_direction_is_told_with_its_frame(teacher, tmp_path):
    black = tmp_path / "black.png"
    Image.new("RGB", (16, 32)).save(black)
    with pytest.raises(ValueError, match=r"black.png: expected an embedding with a direction"):
        TeacherEmbeddings.compute(teacher, [Tracklet("black", 1, 1, (black,))])
