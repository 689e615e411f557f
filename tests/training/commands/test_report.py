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
    return tmp_path / "weights.safetensors"


def run(*words):
    return CliRunner().invoke(app, ["report", *map(str, words)])


def test_weights_and_a_data_set_become_a_report(tmp_path, weights, drawn_root):
    output = tmp_path / "reports" / "report.html"
    where = ("--root", drawn_root.parent, "--output", output)
    result = run(weights, *where, "--queries", 2, "--top-k", 2, "--show", "best", "--no-cache")
    assert result.exit_code == 0, result.output
    page = Page(output.read_text(encoding="utf-8"))
    assert "Evaluation on" in page.words
    for method in ("full", "student", "HSV histogram"):
        assert method in page.words
    assert "best" in page.identifiers
    assert "worst" not in page.identifiers
    assert page.fetched == []
    assert page.pictures
    assert str(tmp_path) not in page.words


def test_pictures_can_be_left_out(tmp_path, weights, drawn_root):
    output = tmp_path / "report.html"
    where = ("--root", drawn_root.parent, "--output", output, "--validation-identities", 3)
    result = run(weights, *where, "--no-pictures")
    assert result.exit_code == 0, result.output
    page = Page(output.read_text(encoding="utf-8"))
    assert page.pictures == []
    assert "the last 3 identities of market1501" in page.words
