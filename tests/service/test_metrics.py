"""The metrics of a service together: its counts are its own, and name nobody."""

import httpx
import pytest

from service.metrics import Metrics
from service.service_metrics import ServiceFacts
from tests.metric_samples import samples
from tests.people import frames_of, parts_of


def starting():
    facts = ServiceFacts(alive=True, ready=False, model=None)
    return Metrics(["default"], galleries=lambda: None, service=lambda: facts)


def test_searches_are_counted_by_tier_and_exactness():
    metrics = starting()
    metrics.searched(tier="exact", exact=True)
    metrics.searched(tier="exact", exact=True)
    metrics.searched(tier="ann", exact=False)
    found = samples(metrics.exposition().decode())
    assert found["reid_gallery_searches_total", "exact", "true"] == 2
    assert found["reid_gallery_searches_total", "ann", "false"] == 1
    assert found["reid_ready",] == 0


def test_two_applications_count_apart():
    one, other = (starting() for _ in range(2))
    one.searched(tier="exact", exact=True)
    assert "reid_gallery_searches_total{" not in other.exposition().decode()


@pytest.fixture
def known(http: httpx.Client):
    names = {"tracklet": "secret-tracklet-1", "identity": "secret-person", "camera": "secret-cam"}
    metadata = f'{{"identity": "{names["identity"]}", "camera": "{names["camera"]}"}}'
    files = [*parts_of(frames_of("red")), ("metadata", (None, metadata))]
    path = f"/galleries/default/tracklets/{names['tracklet']}"
    assert http.put(path, files=files).status_code in {200, 201}
    return names


def test_the_service_answers_with_numbers_and_no_names(http, admin_http, known, running):
    http.post("/search", json={"tracklet_id": known["tracklet"]})
    http.get(f"/galleries/default/tracklets/{known['tracklet']}?embedding=true")
    http.delete(f"/galleries/default/identities/{known['identity']}?erase=true&wait=true")
    answer = admin_http.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    found = samples(answer.text)
    assert found["reid_ready",] == 1
    assert found["reid_alive",] == 1
    assert found["reid_items_under_way",] == 0
    assert found["reid_batch_items_total",] >= 3
    assert found["reid_gallery_tracklets", "default"] == 0
    assert found["reid_gallery_searches_total", "exact", "true"] >= 1
    assert found["reid_requests_total", "/search", "200", "POST"] >= 1
    assert found["reid_stage_seconds_count", "search"] >= 1
    assert found["reid_stage_seconds_count", "store"] >= 1
    assert found["reid_stage_seconds_count", "decode"] >= 1
    said = answer.text + str(running.lines)
    assert not [name for name in known.values() if name in said]
