import json

import pytest
import torch
from safetensors.torch import load_file
from typer.testing import CliRunner

from model.weights import open_network
from tests.mean_colour_graph import write_mean_colour_graph
from training.__main__ import app
from training.run_log import STEPS_FILE

MODEL = """
model: {kind: dcct, cnn: test_efficientnet, transformer: test_vit, spatial: gap, temporal: tap,
  height: 64, width: 32}
clips: {frames: 2, identities: 2, tracklets: 2, workers: 0}
augmentation: {pad_px: 2, erasing_fill: frame, colour: {grey: 0.1}}
optimizer: {epochs: 1, steps_per_epoch: 4}
checkpoint_every_steps: 1
"""


def invoke(*options):
    return CliRunner().invoke(app, [str(option) for option in options])


@pytest.fixture
def write_config(tmp_path, drawn_root):
    def write(name="run", teacher=None):
        path = tmp_path / f"{name}.yaml"
        data = f"data: {{name: market1501, root: {drawn_root}, validation_identities: 2}}"
        losses = f"losses: {json.dumps({'teacher': teacher})}" if teacher else ""
        path.write_text(f"run_dir: {tmp_path / name}\n{data}{MODEL}{losses}\n")
        return path

    return write


def learn_from(told, **changes):
    return {
        "embeddings": told["embeddings"],
        "graph_sha256": told["graph_sha256"],
        **changes,
    }


@pytest.fixture
def told(tmp_path, write_config):
    graph = write_mean_colour_graph(tmp_path / "teacher.onnx")
    size = ("--height", 32, "--width", 16, "--threads", 1)
    output = tmp_path / "made" / "teacher.safetensors"
    done = invoke("teach", write_config(), graph, output, *size, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_a_run_learns_from_what_was_taught_and_resumes_to_the_same_bits(
    told, write_config, tmp_path
):
    # Four of six people before three cameras, four frames each.
    assert (told["frames"], told["dimension"]) == (48, 3)
    for name, steps in (("whole", [4]), ("cut", [2, 4])):
        config = write_config(name, learn_from(told))
        for some in steps:
            done = invoke("train", config, "--steps", some)
            assert done.exit_code == 0, done.output
    weights = [load_file(tmp_path / name / "weights.safetensors") for name in ("whole", "cut")]
    assert all(torch.equal(weights[1][name], one) for name, one in weights[0].items())
    first = json.loads((tmp_path / "cut" / STEPS_FILE).read_text().splitlines()[0])
    assert first["teacher_regression"] > 0
    assert first["teacher_similarity"] > 0
    # Nothing of the teacher is in what is exported.
    assert not [name for name in weights[0] if "teacher" in name]
    open_network(tmp_path / "cut" / "weights.safetensors")


def test_a_run_over_frames_that_the_teacher_never_saw_does_not_begin(told, write_config):
    config = write_config("more", learn_from(told))
    failed = invoke("train", config, "--set", "data.validation_identities=0")
    assert failed.exit_code == 1
    assert "expected the teacher's embedding of every training frame" in " ".join(
        failed.stderr.split()
    )
    other = write_config("other", learn_from(told, graph_sha256="0" * 64))
    failed = invoke("train", other)
    assert failed.exit_code == 1
    assert f"expected the embeddings of the teacher {'0' * 64} in" in " ".join(
        failed.stderr.split()
    )


def test_a_graph_of_another_size_is_refused_and_nothing_written(write_config, tmp_path):
    graph = write_mean_colour_graph(tmp_path / "teacher.pt")
    failed = invoke("teach", write_config(), graph, tmp_path / "out.safetensors")
    assert failed.exit_code == 1
    assert "expected a graph that ends in .onnx or .xml" in " ".join(failed.stderr.split())
    assert not (tmp_path / "out.safetensors").exists()


def test_people_are_told_the_digest_too(write_config, tmp_path):
    graph = write_mean_colour_graph(tmp_path / "teacher.onnx", height=256, width=128)
    done = invoke("teach", write_config(), graph, tmp_path / "out.safetensors")
    assert done.exit_code == 0, done.output
    assert "graph_sha256: " in done.stdout
