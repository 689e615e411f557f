import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from model.manifest import load_manifest
from training.__main__ import app
from training.data.market1501 import read_market1501_folder

CARD = "name: tiny\nversion: '1'\ndata: drawn people\ndata_licence: none\ntraining: a moment\n"


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


def test_train_evaluate_and_export_follow_each_other(run, config, tmp_path, drawn_root):
    trained = run("train", config, "--root", drawn_root)
    assert trained.exit_code == 0, trained.output
    weights = Path(trained.stdout.strip().splitlines()[-1])
    assert weights.exists()

    evaluated = run("evaluate", weights, "--root", drawn_root, "--json")
    assert evaluated.exit_code == 0, evaluated.output
    report = json.loads(evaluated.stdout)
    (split,) = report["splits"]
    assert set(split["methods"]) == {"full", "HSV histogram"}
    assert split["valid_queries"] == 18

    (tmp_path / "report.json").write_text(evaluated.stdout)
    (tmp_path / "card.yaml").write_text(CARD)
    exported = run(
        "export", weights, tmp_path / "artifact",
        "--card", tmp_path / "card.yaml", "--report", tmp_path / "report.json",
    )  # fmt: skip
    assert exported.exit_code == 0, exported.output
    manifest = load_manifest(tmp_path / "artifact")
    assert manifest.model.name == "tiny"

    verified = run("verify", tmp_path / "artifact")
    assert verified.exit_code == 0, verified.output
    assert manifest.model.fingerprint in verified.stdout.splitlines()
    as_json = run("verify", tmp_path / "artifact", "--json")
    assert json.loads(as_json.stdout)["fingerprint"] == manifest.model.fingerprint

    (tmp_path / "artifact" / manifest.graph.file).write_bytes(b"another graph")
    refused = run("verify", tmp_path / "artifact", "--json")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "expected 'model.onnx'" in refused.stderr
    assert manifest.provenance.rank_1 == split["methods"]["full"]["rank_1"]


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
    assert json.loads(evaluated.stdout)["splits"][0]["gallery"] == 6
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


def test_a_trained_dcct_is_exported_whole_and_as_its_student(run, config, tmp_path, drawn_root):
    full = tmp_path / "full.yaml"
    full.write_text(
        f"extends: {config}\nmodel: {{spatial: cca, temporal: hta, clip_frames: 2}}\n"
        f"run_dir: {tmp_path / 'full'}\nlosses: {{distillation: {{}}}}\n"
    )
    weights = Path(run("train", full, "--root", drawn_root).stdout.strip().splitlines()[-1])
    (tmp_path / "card.yaml").write_text(CARD)
    paths = ["--card", tmp_path / "card.yaml", "--report", tmp_path / "report.json"]

    (tmp_path / "report.json").write_text(
        run("evaluate", weights, "--root", drawn_root, "--json").stdout
    )
    whole = run("export", weights, tmp_path / "whole", *paths)
    assert whole.exit_code == 0, whole.output
    assert load_manifest(tmp_path / "whole").preprocessing.frames_per_clip == 2

    student = tmp_path / "student" / "weights.safetensors"
    taken = run("student", weights, student)
    assert taken.exit_code == 0, taken.output
    (tmp_path / "report.json").write_text(
        run("evaluate", student, "--root", drawn_root, "--json").stdout
    )
    assert run("export", student, tmp_path / "artifact", *paths).exit_code == 0
    parts = load_manifest(tmp_path / "artifact").output.parts
    assert [part.name for part in parts] == ["cnn", "transformer"]


def test_a_student_is_taken_from_a_dcct_only(run, tmp_path):
    missing = run("student", tmp_path / "none.safetensors", tmp_path / "student")
    assert missing.exit_code == 1
    assert "expected a safetensors file at" in missing.stderr
