"""The committed description of the calls is that of the code."""

import difflib
import json
import re

import pytest
import schemathesis.openapi
from typer.testing import CliRunner

from service.__main__ import cli
from tests.live_service import ROOT

OPEN = {"/healthz", "/readyz", "/v2", "/v2/health/live", "/v2/health/ready"}
DOCUMENTS = {"openapi.json": [], "openapi-operators.json": ["--operators"]}


def described(arguments: list[str]) -> str:
    result = CliRunner().invoke(cli, ["openapi", *arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize(("name", "arguments"), DOCUMENTS.items())
def test_the_committed_document_is_what_the_code_says(name, arguments):
    committed = (ROOT / "docs" / name).read_text(encoding="utf-8")
    lines = [committed.splitlines(), described(arguments).splitlines()]
    changes = list(difflib.unified_diff(*lines, "committed", "the code's", lineterm=""))
    assert not changes, "run `make openapi`:\n" + "\n".join(changes[:40])


def test_the_document_does_not_depend_on_the_settings_of_this_machine(monkeypatch):
    usual = described([])
    monkeypatch.setenv("REID_MAX_FRAMES", "7")
    monkeypatch.setenv("REID_REPLICA_NAME", "another")
    assert described([]) == usual


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_document_is_openapi_and_what_it_points_at_is_there(name):
    document = json.loads((ROOT / "docs" / name).read_text(encoding="utf-8"))
    schemathesis.openapi.from_dict(document).validate()
    for reference in re.findall(r'"\$ref": "([^"]+)"', json.dumps(document)):
        root, *steps = reference.split("/")
        assert root == "#"
        place = document
        for step in steps:
            place = place[step]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_call_has_its_own_name_a_summary_and_an_answer(name):
    document = json.loads((ROOT / "docs" / name).read_text(encoding="utf-8"))
    calls = [call for path in document["paths"].values() for call in path.values()]
    names = [call["operationId"] for call in calls]
    assert len(set(names)) == len(names)
    for call in calls:
        assert call["description"]
        assert call["tags"]
        assert {"200", "201", "202"} & set(call["responses"])
        assert "default" in call["responses"]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_call_asks_for_a_key_but_those_of_probes(name):
    document = json.loads((ROOT / "docs" / name).read_text(encoding="utf-8"))
    schemes = document["components"]["securitySchemes"]
    sent = {"http": "bearer", "apiKey": "X-API-Key"}
    assert {each["type"]: each.get("scheme", each.get("name")) for each in schemes.values()} == sent
    assert document["security"] == [{name: []} for name in schemes]  # one of them, not both
    without = {
        path
        for path, calls in document["paths"].items()
        for call in calls.values()
        if call.get("security") == []
    }
    assert without == OPEN & set(document["paths"])
    assert not [c for p in document["paths"].values() for c in p.values() if c.get("security")]
