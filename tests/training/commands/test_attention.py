import pytest
import torch
from typer.testing import CliRunner

from model.registry import build_model
from model.weights import save_weights
from tests.tiny_models import tiny_dcct
from tests.training.visualize.page_reader import Page
from training.__main__ import app


@pytest.fixture
def weights(tmp_path):
    torch.manual_seed(0)
    save_weights(tmp_path / "weights.safetensors", build_model(tiny_dcct()))
    return str(tmp_path / "weights.safetensors")


def run(*words):
    return CliRunner().invoke(app, ["attention", *map(str, words)])


def test_a_folder_of_frames_becomes_a_page(tmp_path, weights, drawn_tracklets):
    folder = tmp_path / "walk"
    folder.mkdir()
    for path in drawn_tracklets[0].frames:
        (folder / path.name).write_bytes(path.read_bytes())
    result = run(weights, folder, "--output", tmp_path / "a.html")
    assert result.exit_code == 0, result.output
    words = Page((tmp_path / "a.html").read_text(encoding="utf-8")).words
    assert "Attention in walk" in words
    assert "4 evenly spaced of 4" in words
    assert "HTA weight of the frame" in words
    assert str(tmp_path) not in words


def test_a_tracklet_of_a_data_set_becomes_a_picture(tmp_path, weights, drawn_root, drawn_tracklets):
    name = drawn_tracklets[0].name
    where = ("--data", "market1501", "--root", drawn_root.parent, "--tracklet", name)
    result = run(weights, *where, "--frames", 2, "--output", tmp_path / "a.png")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_what_is_wrong_is_said_before_anything_is_computed(tmp_path):
    result = run(tmp_path / "none", "--output", tmp_path / "a.svg")
    assert result.exit_code == 1
    assert "ends in .html or .png" in result.output
    result = run(tmp_path / "none", "--output", tmp_path / "a.png")
    assert "received neither or a mixture" in " ".join(result.output.split())
