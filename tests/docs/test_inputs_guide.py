"""The guide to inputs is run, and the settings and options that it names are there."""

import json
import re
import shlex
from pathlib import Path

import pytest
import typer.main

from service.__main__ import cli
from service.api.dependencies import FRAME_BODIES
from service.settings import Settings
from tests.guide_lines import printed_in_order

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "inputs.md").read_text(encoding="utf-8")


def test_its_lines_are_answered_with_embeddings(tmp_path):
    answers = [json.loads(said) for _, said in printed_in_order(GUIDE, tmp_path)]
    assert len(answers) == 2
    assert all(answer["frames"]["used"] == 1 for answer in answers)


def test_every_form_is_explained():
    forms = GUIDE.split("## Forms")[1].split("```")[0]
    for kind in FRAME_BODIES:
        assert f"`{kind}`" in forms


def test_the_command_exists_with_its_options():
    (line,) = re.findall(r"```bash\n(.*)\n```", GUIDE)
    known = typer.main.get_command(cli).commands["enroll-video"]
    options = {name for parameter in known.params for name in parameter.opts}
    named = set(re.findall(r"--[a-z][a-z-]*", GUIDE)) - {"--data-binary"}
    assert named <= options
    assert shlex.split(line)[:2] == ["reid", "enroll-video"]


def test_limits_are_the_settings_with_their_defaults():
    rows = re.findall(r"^\| (`REID_.*?) \| (.*?) \|", GUIDE, re.MULTILINE)
    told = {}
    for names, values in rows:
        told.update(zip(re.findall(r"REID_\w+", names), re.split(r", (?=\d)", values), strict=True))
    defaults = Settings()
    assert len(told) == 9
    for name, value in told.items():
        number, *unit = value.replace(",", "").split()
        base, _, power = number.partition("^")
        expected = int(base) ** int(power or 1) * {"MiB": 2**20}.get("".join(unit), 1)
        assert getattr(defaults, name.removeprefix("REID_").lower()) == expected, name


@pytest.mark.parametrize("variable", re.findall(r"`(REID_[A-Z_]+)`", GUIDE))
def test_every_setting_exists(variable):
    assert variable.removeprefix("REID_").lower() in Settings.model_fields
