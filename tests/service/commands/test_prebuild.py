import json

import pytest
from typer.testing import CliRunner

from service.__main__ import cli
from tests.artifact_factory import write_tiny_artifact


@pytest.fixture
def run(tmp_path):
    """Run `reid prebuild` on a tiny artifact; the result."""
    write_tiny_artifact(tmp_path / "artifact")

    def invoke(*words: str, **variables: str):
        places = ["--artifact-dir", str(tmp_path / "artifact"), "--data-dir", str(tmp_path / "d")]
        return CliRunner().invoke(cli, ["prebuild", *places, *words], env=variables)

    return invoke


def test_it_says_what_it_measured_and_keeps_it(run, tmp_path):
    first = json.loads(run("--json", "--provider", "cpu").stdout)
    assert first["recalled"] is False
    assert first["backend"] == "onnxruntime/CPUExecutionProvider"
    assert first["precision"] == "fp32"
    assert first["cosine"] >= 0.9999
    assert first["plan"] in [one["plan"] for one in first["measured"]]
    assert all(one["items_per_s"] > 0 for one in first["measured"])
    assert first["engines"] == []
    assert first["elapsed_s"] > 0
    assert len(list((tmp_path / "d" / "inference").glob("plan-*.json"))) == 1

    second = json.loads(run("--json", "--provider", "cpu").stdout)
    assert (second["recalled"], second["plan"]) == (True, first["plan"])
    assert json.loads(run("--json", "--provider", "cpu", "--anew").stdout)["recalled"] is False


def test_files_of_engines_are_told_by_their_place_in_the_directory(run, tmp_path):
    (tmp_path / "d" / "engines" / "a-gpu").mkdir(parents=True)
    (tmp_path / "d" / "engines" / "a-gpu" / "one.engine").touch()
    told = json.loads(run("--json", "--provider", "cpu").stdout)
    assert told["engines"] == ["a-gpu/one.engine"]


def test_people_read_a_table_of_what_was_tried_and_what_serves(run):
    text = run("--provider", "openvino", COLUMNS="120").stdout
    assert "openvino fp32" in text
    assert "items/s" in text
    assert "(measured now), openvino/CPU in fp32" in text
    assert "golden clip reproduced with cosine 1.000000" in text
    assert "(known before)" in run("--provider", "openvino", COLUMNS="120").stdout


def test_where_nothing_is_left_open_nothing_was_measured(run):
    stated = {"REID_INFERENCE_LANES": "1", "REID_INFERENCE_THREADS": "1"}
    text = run("--provider", "cpu", REID_MAX_BATCH_FRAMES="2", COLUMNS="120", **stated).stdout
    assert "serves with cpu fp32, 1 x 1 threads, batches of 2 (as set)" in text
    assert "items/s" not in text


@pytest.mark.parametrize(
    ("words", "variables", "message"),
    [
        (["--provider", "cuda"], {}, "reid: expected "),
        (["--provider", "abacus"], {}, "reid: expected inference_provider to satisfy: "),
        ([], {"REID_BATCH_SIZES": "4,2"}, "each size once, the smallest first"),
        (["--artifact-dir", "nowhere"], {}, "reid: expected an artifact manifest at nowhere"),
    ],
)
def test_what_cannot_be_had_is_said_in_one_line(run, words, variables, message):
    refused = run(*words, **variables)
    assert refused.exit_code == 1
    assert message in refused.stderr
    assert refused.stdout == ""
