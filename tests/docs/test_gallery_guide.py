"""The guide to galleries is run, in its order, and what it names is what there is."""

import json
import re
from pathlib import Path

import pytest

from service.api import filter_json
from service.api.schemas import SearchOptionsBody
from service.gallery.filter_tree import MOST_CONDITIONS, MOST_DEPTH, MOST_VALUES
from service.settings import Settings
from tests.error_tree import every_error
from tests.guide_lines import printed_in_order

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")


def section(title):
    """The text under a heading."""
    return re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", GUIDE, re.DOTALL | re.MULTILINE)[1]


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """What each command printed, against one service with the shipped model."""
    return dict(printed_in_order(GUIDE, tmp_path_factory.mktemp("guide")))


def answer_to(answers, words):
    """The JSON that the first command with these words was answered."""
    return json.loads(next(said for line, said in answers.items() if words in line))


def test_every_line_is_answered(answers):
    assert len(answers) >= 20


def test_a_search_finds_the_enrolled_person(answers):
    found = answer_to(answers, "person-00_camera-0_0")
    assert found["matches"][0]["identity"] == "person-00"
    assert found["exact"] is True


def test_the_filter_of_the_guide_chooses_what_it_says(answers):
    listed = answer_to(answers, '"attributes.bags"')
    assert [each["tracklet_id"] for each in listed["tracklets"]] == ["a1"]


def test_an_erasure_ends_with_every_place_named(answers):
    receipt = answer_to(answers, "erase=true")
    assert receipt["state"] == "final"
    assert receipt["tracklets"] == 1
    assert {place["state"] for place in receipt["places"]} <= {"erased", "never_stored", "operator"}
    entries = answer_to(answers, "/audit")["entries"]
    assert ("erase", "person-01", "request of the person") in {
        (entry["action"], entry["subject"], entry["purpose"]) for entry in entries
    }


def test_an_export_comes_back_whole(answers):
    lines = next(said for line, said in answers.items() if "/import" in line).splitlines()
    end = json.loads(lines[-1])
    assert end["complete"] is True
    assert end["created"] == end["received"] > 0


def test_the_table_of_search_options_is_complete():
    rows = [line for line in section("Search").splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert named == set(SearchOptionsBody.model_fields) - {"gallery"}


def test_the_grammar_has_every_operator_and_the_right_bounds():
    grammar = section("Filters")
    operators = re.findall(r'[=|] +\{"(\w+)":', grammar.split("```")[1])
    assert sorted(operators) == sorted(filter_json._READERS)
    bounds = re.search(r"At most (\d+) levels, (\d+) conditions, ([\d,]+) values", grammar)
    numbers = tuple(int(bound.replace(",", "")) for bound in bounds.groups())
    assert numbers == (MOST_DEPTH, MOST_CONDITIONS, MOST_VALUES)


def test_error_codes_and_settings_that_it_names_exist():
    codes = {kind.code for kind in every_error()}
    for code in re.findall(r"\b[45]\d\d `(\w+)`", GUIDE):
        assert code in codes
    for name in re.findall(r"\bREID_([A-Z_]+)", GUIDE):
        assert name.lower() in Settings.model_fields


def test_arithmetic_follows_from_the_table():
    rows = dict(re.findall(r"\| ([^|]+?) +\| ([\d,]+) \|", section("Memory")))
    gigabytes = {name: int(each.replace(",", "")) * 1e6 / 1e9 for name, each in rows.items()}
    assert f"need {gigabytes['index, in each replica']:.1f} GB in each replica" in GUIDE
    assert f"{gigabytes['Redis, memory']:.1f} GB of `maxmemory`" in GUIDE
