"""Dashboard and alerts ask for metrics, labels and values that the service really has."""

import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from service.gallery_metrics import GalleryFacts
from service.metrics import Metrics
from service.service_metrics import ModelFacts, ServiceFacts
from tests.error_tree import every_error
from tests.live_service import ROOT
from tests.service.test_gallery_metrics import forgetting, status
from tests.service.test_request_metrics import answered

ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yml"
SCRAPE = ROOT / "deploy" / "prometheus" / "prometheus.yml"
DASHBOARD = ROOT / "deploy" / "grafana" / "dashboard.json"
OF_PROMETHEUS = {"up": {"job", "instance"}}
SELECTOR = re.compile(r"\b(reid_\w+|up)\b(?:\{([^}]*)\})?")


@pytest.fixture(scope="module")
def labels_by_name() -> dict[str, set[str]]:
    """Every sample that the service can show, with the names of its labels."""
    model = ModelFacts("tiny", "1", "f", "cpu", "fp32", 1)
    facts = ServiceFacts(alive=True, ready=True, model=model)
    galleries = GalleryFacts([status("default")], forgetting())
    metrics = Metrics(["default"], galleries=lambda: galleries, service=lambda: facts)
    metrics.searched(tier="exact", exact=True)
    metrics.requests.ended(answered(error_code="overloaded"))
    metrics.batches.batch_done(items=1, size=1, run_s=0.1)
    metrics.batches.dropped("expired", items=1)
    found: dict[str, set[str]] = dict(OF_PROMETHEUS)
    for family in text_string_to_metric_families(metrics.exposition().decode()):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def alerts() -> list[dict[str, object]]:
    (group,) = yaml.safe_load(ALERTS.read_text())["groups"]
    return group["rules"]


def panels() -> list[dict[str, object]]:
    return json.loads(DASHBOARD.read_text())["panels"]


EXPRESSIONS = [
    *(pytest.param(rule["expr"], id=rule["alert"]) for rule in alerts()),
    *(
        pytest.param(target["expr"], id=f"{panel['title']} {target['refId']}")
        for panel in panels()
        for target in panel["targets"]
    ),
]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_what_is_asked_for_is_there(expression, labels_by_name):
    selectors = SELECTOR.findall(expression)
    assert selectors
    for name, chosen in selectors:
        assert name in labels_by_name, name
        labels = set(re.findall(r"(\w+)=", chosen)) - {"instance"}
        assert labels <= labels_by_name[name], (name, labels)
    grouped = set(re.findall(r"\w+", " ".join(re.findall(r"by \(([^)]*)\)", expression))))
    assert grouped - {"instance"} <= set().union(*(labels_by_name[name] for name, _ in selectors))


def test_a_code_that_an_alert_names_is_one_of_ours():
    codes = set(re.findall(r'code="(\w+)"', ALERTS.read_text()))
    assert codes
    assert codes <= {kind.code for kind in every_error()}


def test_every_alert_says_how_bad_it_is_and_what_it_means():
    for rule in alerts():
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["annotations"]["summary"]
    names = [rule["alert"] for rule in alerts()]
    assert len(set(names)) == len(names)


def test_every_alert_is_of_a_metric_that_the_runbook_explains():
    runbook = (ROOT / "deploy" / "RUNBOOK.md").read_text()
    for rule in alerts():
        found = {name for name, _ in SELECTOR.findall(rule["expr"])} - {"up"}
        names = {name.removesuffix("_bucket") for name in found}
        assert all(f"`{name}`" in runbook for name in names), names


def test_panels_do_not_lie_on_each_other():
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        place = SimpleNamespace(**panel["gridPos"])
        cells = {
            (x, y)
            for x in range(place.x, place.x + place.w)
            for y in range(place.y, place.y + place.h)
        }
        assert place.x + place.w <= 24
        assert not cells & taken, panel["title"]
        taken |= cells


def test_the_rules_are_those_that_prometheus_loads():
    config = yaml.safe_load(SCRAPE.read_text())
    assert [SCRAPE.parent / name for name in config["rule_files"]] == [ALERTS]
    assert config["scrape_configs"][0]["job_name"] == "tracklet-reid"
    assert Path(ALERTS).exists()
