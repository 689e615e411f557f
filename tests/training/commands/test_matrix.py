import json

import pytest
import torch
from typer.testing import CliRunner

from model.registry import build_model
from model.weights import save_weights
from tests.tiny_models import tiny_dcct
from training.__main__ import app
from training.data.synthetic import SyntheticWorld
from training.data.synthetic_ccvid import write_ccvid


@pytest.fixture
def run():
    def runner(*options):
        return CliRunner().invoke(app, ["matrix", *(str(option) for option in options)])

    return runner


def test_weights_by_data_as_json_and_as_a_table(run, drawn_root, tmp_path):
    torch.manual_seed(0)
    weights = tmp_path / "weights.safetensors"
    save_weights(weights, build_model(tiny_dcct(spatial="gap", temporal="tap")))
    pairs = ("--weights", f"light={weights}", "--data", f"market1501={drawn_root}")
    done = run(*pairs, "--frames", "fast", "--json")
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)["reports"]["light"]["market1501"]
    assert report["splits"][0]["valid_queries"] == 18
    shown = run(*pairs, "--frames", "fast")
    assert f"{report['summary']['full']['mean']['rank_1']:.2f} / " in shown.stdout


@pytest.mark.parametrize("pair", ["light", "light=", "=path"])
def test_pairs_are_names_and_paths(run, pair):
    failed = run("--weights", pair, "--data", "mars=root")
    assert failed.exit_code == 1
    assert "expected --weights NAME=PATH with a name of its own" in " ".join(failed.stderr.split())


def test_one_split_can_be_named_where_splits_have_rules_of_their_own(run, tmp_path):
    weights = tmp_path / "weights.safetensors"
    save_weights(weights, build_model(tiny_dcct(spatial="gap", temporal="tap")))
    world = SyntheticWorld(seed=1, identities=4, cameras=3, height=32, width=16)
    write_ccvid(world, tmp_path / "ccvid", frames=2)
    given = ("--weights", f"light={weights}", "--frames", "fast", "--json", "--no-cache")
    named = f"ccvid:clothes-changing={tmp_path / 'ccvid'}"
    done = run(*given, "--data", named)
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)["reports"]["light"]["ccvid:clothes-changing"]
    assert report["protocol"]["splits"] == ["clothes-changing"]
    assert report["protocol"]["same_outfit"] == "exclude"
    failed = run(*given, "--data", f"ccvid={tmp_path / 'ccvid'}")
    assert failed.exit_code == 1
    assert "or in a matrix with DATA:SPLIT=ROOT" in " ".join(failed.stderr.split())
