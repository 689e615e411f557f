"""The guide to other protocols is run, in its order, and what it names is what there is."""

import base64
import json
import re
from pathlib import Path

import numpy as np
import pytest

from service.api.embed_answers import EmbedEndAnswer, EmbedLineAnswer
from service.settings import Settings
from tests.guide_lines import printed_in_order

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "protocols.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """What each command printed, against one service with the shipped model."""
    return dict(printed_in_order(GUIDE, tmp_path_factory.mktemp("guide")))


def said_to(answers, words):
    return next(said for line, said in answers.items() if words in line)


def decoded(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), "<f4")


def test_a_frame_has_one_embedding_by_every_way(answers):
    first, *_ = (json.loads(line) for line in said_to(answers, "/embed:bulk?").splitlines())
    openai = json.loads(said_to(answers, "@ask.json"))
    kserve = json.loads(said_to(answers, "@infer.json"))
    by_line = decoded(first["embedding"])
    assert first["tracklet_id"].endswith("000.jpg")
    assert len(by_line) == 1472
    for other in (
        decoded(openai["data"][0]["embedding"]),
        np.array(kserve["outputs"][0]["data"], np.float32),
    ):
        np.testing.assert_allclose(other, by_line, atol=1e-5)


def test_every_line_is_embedded_and_enrolled(answers):
    *lines, end = (json.loads(line) for line in said_to(answers, "/embed:bulk?").splitlines())
    assert (end["embedded"], end["failed"]) == (len(lines), 0)
    *enrolled, last = (json.loads(line) for line in said_to(answers, "s:bulk").splitlines())
    assert (last["created"], last["failed"]) == (len(lines), 0)
    assert enrolled[0]["tracklet_id"] == "frame-000.jpg"


def test_the_table_of_a_line_is_complete():
    rows = re.findall(r"^\| (`line`.*?) \||^\| (`e.*?|`frames`|`error`) \|", GUIDE, re.MULTILINE)
    named = set(re.findall(r"`(\w+)`", " ".join("".join(row) for row in rows)))
    assert set(EmbedLineAnswer.model_fields) <= named
    (end,) = re.findall(r'`\{"done": true, (.*?)\}`', GUIDE)
    assert {"done", *re.findall(r'"(\w+)"', end)} == set(EmbedEndAnswer.model_fields)


def test_settings_that_it_names_exist():
    for name in re.findall(r"\bREID_([A-Z_]+)", GUIDE):
        assert name.lower() in Settings.model_fields
