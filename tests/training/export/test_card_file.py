import json
import shutil

import pytest
import yaml
from typer.testing import CliRunner

from model.manifest import load_manifest, verify_files
from tests.artifact_factory import write_tiny_artifact
from tests.evaluation_reports import made_up_report
from training.__main__ import app
from training.export.card_file import CARD_FILE, renew_card

FIELDS = {"name": "tiny", "version": "1", "data": "b", "data_licence": "c", "training": "Slowly."}


@pytest.fixture
def artifact(tmp_path):
    write_tiny_artifact(tmp_path / "artifact")
    return tmp_path / "artifact"


def written(folder, **changes):
    path = folder / "card.yaml"
    path.write_text(yaml.safe_dump(FIELDS | changes))
    return path


def contents(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_the_card_is_new_and_what_embeds_is_as_it_was(artifact, tmp_path):
    before = load_manifest(artifact)
    after = renew_card(artifact, written(tmp_path))
    assert after == load_manifest(artifact)
    verify_files(artifact, after)
    assert "Slowly." in (artifact / CARD_FILE).read_text()
    assert after.model == before.model
    assert set(after.files) == {*before.files, CARD_FILE}
    assert {name: after.files[name] for name in before.files} == before.files


def test_a_card_that_was_edited_or_lost_is_written_again(artifact, tmp_path):
    card = written(tmp_path)
    renew_card(artifact, card)
    first = contents(artifact)
    (artifact / CARD_FILE).write_text("edited")
    renew_card(artifact, card)
    assert contents(artifact) == first
    (artifact / CARD_FILE).unlink()
    renew_card(artifact, card)
    assert contents(artifact) == first


def test_files_of_results_are_found_beside_the_card(artifact, tmp_path):
    folder = tmp_path / "results"
    folder.mkdir()
    (folder / "one.json").write_text(made_up_report().model_dump_json())
    evaluation = {"title": "every frame", "command": "evaluate", "file": "one.json"}
    card = written(folder, results={"evaluations": [evaluation]})
    done = CliRunner().invoke(app, ["card", str(artifact), "--card", str(card)])
    assert done.exit_code == 0, done.output
    assert " ".join(done.output.split()).endswith("MODEL_CARD.md: tiny 1")
    assert "| every frame | as served | full | 61.25 |" in (artifact / CARD_FILE).read_text()


def refused(artifact, card, told):
    before = contents(artifact)
    with pytest.raises(ValueError, match=told):
        renew_card(artifact, card)
    assert contents(artifact) == before


def test_the_card_of_another_model_is_refused(artifact, tmp_path):
    told = (
        "expected the card of tiny 1, which is in .*, received that of tiny 2 in .*; name its own"
    )
    refused(artifact, written(tmp_path, version="2"), told)


def test_results_that_are_not_there_are_refused(artifact, tmp_path):
    results = {"ablation": {"command": "x", "file": "none.jsonl"}}
    refused(artifact, written(tmp_path, results=results), "expected JSON lines in .*none.jsonl")


def test_an_unknown_kind_of_result_is_refused(artifact, tmp_path):
    card = written(tmp_path, results={"beauty": {"command": "x", "file": "y"}})
    refused(artifact, card, "(?s)expected a card with .*beauty")


def test_the_card_of_a_tampered_artifact_is_not_renewed(artifact, tmp_path):
    (artifact / "graph.onnx").write_bytes(b"another")
    refused(artifact, written(tmp_path), "expected 'graph.onnx' with sha256")
    shutil.rmtree(artifact)
    write_tiny_artifact(artifact)
    manifest = json.loads((artifact / "manifest.json").read_text())
    manifest["provenance"]["data"] = "nobody"
    (artifact / "manifest.json").write_text(json.dumps(manifest))
    refused(artifact, written(tmp_path), "expected manifest_sha256")
