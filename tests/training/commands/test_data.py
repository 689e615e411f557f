"""`reid-train data`: what a shell sees of a check, and every layout that can be drawn."""

import json

import pytest
from typer.testing import CliRunner

from training.__main__ import app
from training.data.synthetic_catalogue import LAYOUT_WRITERS


def run(*arguments):
    return CliRunner().invoke(app, ["data", *(str(argument) for argument in arguments)])


@pytest.fixture(scope="module")
def mars(tmp_path_factory):
    root = tmp_path_factory.mktemp("drawn") / "mars"
    drawn = run("synthesize", root, "--layout", "mars", "--identities", 2, "--cameras", 2,
                "--frames", 1)  # fmt: skip
    assert drawn.exit_code == 0
    return root


def test_a_readable_data_set_is_status_0_and_strictly_1_when_counts_differ(mars):
    checked = run("check", "mars", mars)
    assert checked.exit_code == 0
    assert "readable, but not as published" in checked.output
    assert run("check", "mars", mars, "--strict").exit_code == 1


def test_a_broken_one_is_status_1_and_json_on_request(tmp_path):
    checked = run("check", "mars", tmp_path / "absent", "--json")
    assert checked.exit_code == 1
    report = json.loads(checked.stdout)
    assert report["problems"][0]["message"].startswith("expected MARS with bbox_train/")
    assert (report["name"], report["title"], report["splits"]) == ("mars", "MARS", [])


def test_frames_are_decoded_on_request(mars):
    report = json.loads(run("check", "mars", mars, "--decode", "--json").stdout)
    assert report["decoded"] == report["splits"][0]["parts"]["train"]["found"]["frames"] + 4
    assert json.loads(run("check", "mars", mars, "--json").stdout)["decoded"] == 0


def test_an_unknown_name_is_a_message(tmp_path):
    checked = run("check", "marz", tmp_path)
    assert checked.exit_code == 1
    assert "did you mean 'mars'?" in checked.output
    assert "Traceback" not in checked.output


@pytest.mark.parametrize("layout", LAYOUT_WRITERS)
def test_every_layout_can_be_drawn(layout, tmp_path):
    options = ("--identities", 2, "--cameras", 2, "--frames", 1, "--layout", layout)
    assert run("synthesize", tmp_path / "new", *options).exit_code == 0
    assert any((tmp_path / "new").iterdir())
    again = run("synthesize", tmp_path / "new", *options)
    assert again.exit_code == 1
    assert "received one in use" in " ".join(again.output.split())
