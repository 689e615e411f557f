import json

import pytest
import torch
from typer.testing import CliRunner

from model.registry import build_model
from model.weights import save_weights
from tests.tiny_models import tiny_dcct
from training.__main__ import app
from training.data.synthetic import SyntheticWorld
from training.data.synthetic_mars import write_mars


@pytest.fixture
def run(weights, mars):
    def runner(*options):
        arguments = ("evaluate", weights, "--data", "mars", "--root", mars, *options)
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return runner


@pytest.fixture(scope="module")
def mars(tmp_path_factory):
    root = tmp_path_factory.mktemp("drawn") / "mars"
    write_mars(SyntheticWorld(seed=1, identities=4, cameras=3, height=64, width=32), root, frames=3)
    return root


@pytest.fixture
def weights(tmp_path):
    torch.manual_seed(0)
    save_weights(tmp_path / "weights.safetensors", build_model(tiny_dcct()))
    return tmp_path / "weights.safetensors"


def test_full_and_student_features_are_judged_in_one_command(run, tmp_path):
    done = run("--json", "--ap", "mars", "--frames", "fast")
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    (split,) = report["splits"]
    assert list(split["methods"]) == ["full", "student", "HSV histogram"]
    assert report["protocol"]["average_precision"] == "mars"
    assert report["protocol"]["frames"] == "fast"
    assert split["valid_queries"] > 0
    assert (tmp_path / "features").is_dir()


def test_a_page_is_written_and_the_recipe_compared_with(run, tmp_path):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        f"run_dir: {tmp_path}\ndata: {{name: mars, root: absent}}\n"
        "expected: {rows: [drawn], rank_1: 100, tolerance: 100,\n"
        "  protocol: {gallery_includes_query: true, frames: fast}}\n"
    )
    page = tmp_path / "pages" / "report.html"
    done = run("--frames", "fast", "--report", page, "--config", recipe, "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["splits"]
    assert "of mars" in page.read_text()
    assert "expected 100.00 ± 100.00, reached" in " ".join(done.stderr.split())


def test_the_table_names_valid_and_dropped_queries(run, tmp_path):
    done = run("--no-cache", "--features", "full,student+final", "--no-baseline")
    assert done.exit_code == 0, done.output
    text = " ".join(done.stdout.split())
    assert "valid queries, " in text
    assert "student+final" in text
    assert "HSV" not in text
    assert not (tmp_path / "features").exists()


def test_what_cannot_be_evaluated_is_a_message(run):
    for options, message in (
        (("--features", "other"), "received 'other', which"),
        (("--split", "other"), "received 'other'; choose one of them"),
        (("--validation-identities", 2, "--gallery", "with-queries"), "leave --gallery out"),
    ):
        failed = run(*options)
        assert failed.exit_code == 1
        assert message in " ".join(failed.stderr.split())


def test_what_can_be_refused_at_once_is_refused_before_any_frame_is_read(run, tmp_path):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(f"run_dir: {tmp_path}\ndata: {{name: mars, root: absent}}\n")
    for options, message in (
        (("--open-set", "nan"), "expected a share of the people between 0 and 1, received nan"),
        (("--open-set", "1"), "expected a share of the people between 0 and 1, received 1.0"),
        (("--report", tmp_path), "a folder; name an .html file"),
        (("--config", tmp_path / "none.yaml"), "expected a configuration at"),
        (("--config", recipe), "expected a recipe with an `expected` section"),
    ):
        failed = run(*options)
        assert failed.exit_code == 1
        assert message in " ".join(failed.stderr.split())
        assert "model" not in failed.stderr
    assert not (tmp_path / "features").exists()
