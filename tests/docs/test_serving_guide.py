"""The guide to serving is run, and the settings, codes and metrics that it names are there."""

import base64
import json
import re
from pathlib import Path

import numpy as np
import pytest

from service.settings import PREFIX, Settings
from tests.error_tree import every_error
from tests.guide_lines import printed_in_order

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "serving.md").read_text(encoding="utf-8")


def rows(first_cell):
    """Cells of the lines of the tables whose first cell has this form."""
    lines = [line for line in GUIDE.splitlines() if re.match(rf"\| {first_cell} \|", line)]
    return [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines]


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """What each line of the guide printed, in their order, against the shipped model."""
    return [said for _, said in printed_in_order(GUIDE, tmp_path_factory.mktemp("guide"))]


def test_its_first_line_is_answered_with_the_stages_that_it_explains(printed):
    head, body = printed[0].replace("\r", "").split("\n\n", 1)
    (timing,) = re.findall(r"^server-timing: (.*)$", head, re.MULTILINE | re.IGNORECASE)
    stages = re.findall(r"(\w+);dur=", timing)
    assert stages == ["decode", "queue", "inference", "total"]
    explained = GUIDE.split("`decode` is")[1].split("\n\n")[0]
    assert all(f"`{stage}`" in explained for stage in [*stages[1:], "search", "store"])
    embedding = np.frombuffer(base64.b64decode(json.loads(body)["embedding"]), "<f4")
    assert np.linalg.norm(embedding) == pytest.approx(1, abs=1e-5)


def test_its_other_lines_are_answered(printed):
    assert len(printed) >= 2


def test_every_error_of_the_service_is_in_the_table_with_its_status():
    told = {
        (int(status), code)
        for status, codes, *_ in rows(r"\d\d\d")
        for code in re.findall(r"`(\w+)`", codes)
    }
    assert told == {(kind.status, kind.code) for kind in every_error()}


def test_each_setting_exists_and_its_default_is_the_one_told():
    assert {
        name
        for name in re.findall(rf"\b{PREFIX}([A-Z_]+)", GUIDE)
        if name.lower() not in Settings.model_fields
    } == set()
    for names, told, _ in rows(rf"`{PREFIX}[A-Z_`, ]+"):
        settings = [name.lower() for name in re.findall(rf"{PREFIX}([A-Z_]+)", names)]
        defaults = [Settings.model_fields[name].default for name in settings]
        assert ", ".join(_told(default) for default in defaults) == told, names


def _told(default):
    """A default as the guide writes it."""
    if isinstance(default, int) and default >= 2**20:
        return f"{default // 2**20} MiB"
    return f"{default:g}" if isinstance(default, int | float) else f"`{default}`"


def test_each_metric_and_header_that_it_names_is_in_the_service():
    sources = "\n".join(path.read_text() for path in sorted((ROOT / "service").rglob("*.py")))
    metrics = {name.removesuffix("_total") for name in re.findall(r"`(reid_\w+)`", GUIDE)}
    assert metrics
    assert [name for name in metrics if f'"{name}"' not in sources] == []
    headers = set(re.findall(r"`(X-[\w-]+|Server-Timing)", GUIDE))
    known = sources.lower().replace("_", "-")
    assert [header for header in headers if header.lower() not in known] == []
