import json
import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from training.__main__ import app
from training.data.market1501 import read_market1501_folder


@pytest.fixture
def run():
    def runner(*arguments):
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return runner


@pytest.fixture
def config(tmp_path, drawn_root):
    path = tmp_path / "config.yaml"
    path.write_text(
        f"run_dir: {tmp_path / 'run'}\n"
        "model: {kind: dcct, cnn: test_efficientnet, transformer: test_vit,\n"
        "  spatial: gap, temporal: tap, height: 64, width: 32}\n"
        "data: {name: market1501, root: absent, validation_identities: 2}\n"
        "clips: {frames: 2, identities: 2, tracklets: 2}\n"
        "optimizer: {epochs: 1, steps_per_epoch: 3}\n"
    )
    return path


def test_train_stops_after_so_many_steps_and_goes_on(run, config, drawn_root, tmp_path):
    steps = tmp_path / "run" / "steps.jsonl"
    assert run("train", config, "--root", drawn_root, "--steps", 1).exit_code == 0
    assert len(steps.read_text().splitlines()) == 1
    assert run("train", config, "--root", drawn_root).exit_code == 0
    assert len(steps.read_text().splitlines()) == 3


def test_held_out_identities_alone_can_be_evaluated(run, config, drawn_root, tmp_path):
    assert run("train", config, "--root", drawn_root, "--steps", 1).exit_code == 0
    weights = tmp_path / "run" / "weights.safetensors"
    evaluated = run(
        "evaluate", weights, "--root", drawn_root, "--validation-identities", 2, "--json"
    )
    (split,) = json.loads(evaluated.stdout)["splits"]
    assert split["gallery"] == 6
    assert set(split["methods"]) == {"full", "HSV histogram"}
    assert "mAP" in run("evaluate", weights, "--root", drawn_root).stdout


def test_what_the_user_can_mend_is_a_message_and_not_a_traceback(run, config):
    failed = run("train", config)
    assert failed.exit_code == 1
    assert "Traceback" not in failed.output
    assert "expected Market-1501 with bounding_box_train/ in one of absent" in " ".join(
        failed.output.split()
    )


def test_synthesize_writes_both_layouts(run, tmp_path):
    options = ("--identities", 2, "--cameras", 2, "--frames", 2)
    assert run("data", "synthesize", tmp_path / "tree", *options).exit_code == 0
    assert sorted(path.name for path in (tmp_path / "tree").iterdir()) == ["gallery", "query"]
    market = run("data", "synthesize", tmp_path / "m", *options, "--layout", "market1501")
    assert market.exit_code == 0
    assert len(read_market1501_folder(tmp_path / "m" / "bounding_box_train")) == 4
    again = run("data", "synthesize", tmp_path / "tree", *options)
    assert again.exit_code == 1


def test_help_answers_without_loading_torch():
    program = (
        "import sys; from typer.testing import CliRunner; from training.__main__ import app; "
        "assert CliRunner().invoke(app, ['train', '--help']).exit_code == 0; "
        "print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=os.environ, check=True
    )
    assert done.stdout.strip() == "False"


def test_a_student_is_taken_from_a_dcct_only(run, tmp_path):
    missing = run("student", tmp_path / "none.safetensors", tmp_path / "student")
    assert missing.exit_code == 1
    assert "expected a safetensors file at" in missing.stderr
