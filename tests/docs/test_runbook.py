"""The fault table of the runbook: every line says what happens, what is seen, and who proved it."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.error_tree import every_error

ROOT = Path(__file__).resolve().parents[2]
RUNBOOK = (ROOT / "deploy" / "RUNBOOK.md").read_text(encoding="utf-8")
FAULTS = 32
"""Of the gallery's design; more may follow."""


def fault_rows():
    """(number, fault, behaviour, what is seen, proof) of each line of the table."""
    lines = [line for line in RUNBOOK.splitlines() if re.match(r"\| *\d+ *\|", line)]
    return [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines]


def named_tests(text):
    """Every `path::name` in a text."""
    return re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text)


@cache
def functions_of(path):
    """Names of the functions of a test file, methods of its classes included."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    } | {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}


def test_the_table_has_every_fault_once_and_in_order():
    numbers = [int(row[0]) for row in fault_rows()]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= FAULTS


@pytest.mark.parametrize("row", fault_rows(), ids=lambda row: row[0])
def test_each_line_names_its_tests_or_says_why_there_is_none(row):
    assert len(row) == 5, row
    assert all(row), row
    proof = row[4]
    assert named_tests(proof) or proof.startswith("none: "), proof


@pytest.mark.parametrize(("path", "name"), sorted(set(named_tests(RUNBOOK))))
def test_each_named_test_exists(path, name):
    assert (ROOT / path).is_file(), path
    assert name in functions_of(path), f"{path}::{name}"


def test_what_looks_like_a_test_is_read_as_one():
    """A typing error in a path must not hide it from the test above."""
    assert len(re.findall(r"::\w+`", RUNBOOK)) == len(named_tests(RUNBOOK))


def _service_sources():
    return "\n".join(
        path.read_text(encoding="utf-8") for path in sorted((ROOT / "service").rglob("*.py"))
    )


def test_each_event_metric_and_setting_that_it_names_is_one_of_the_service():
    sources = _service_sources()
    settings = (ROOT / "service/settings.py").read_text(encoding="utf-8")
    events = set(re.findall(r"event `(\w+)`", RUNBOOK))
    assert events
    assert [event for event in events if f'"{event}"' not in sources] == []
    metrics = {name.removesuffix("_total") for name in re.findall(r"`(reid_\w+)`", RUNBOOK)}
    assert [metric for metric in metrics if metric not in sources] == []
    named = set(re.findall(r"\bREID_([A-Z_]+)", RUNBOOK)) - {"PUBLISH", "PUBLISH_ADMIN", "MEMORY"}
    assert [name for name in named if f"{name.lower()}:" not in settings] == []
    compose = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    for name in ("REID_PUBLISH", "REID_MEMORY", "REDIS_MAXMEMORY", "REDIS_MEMORY"):
        assert f"${{{name}:-" in compose


def test_each_error_code_that_it_names_exists():
    codes = set(re.findall(r"\b[45]\d\d `(\w+)`", RUNBOOK))
    assert codes
    assert codes - {kind.code for kind in every_error()} == set()
