"""What the gallery says of itself: true numbers, few labels, nothing personal."""

from types import SimpleNamespace

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.gallery.replica.replica_status import ReplicaStatus
from service.gallery.stores.protocol import GalleryState
from service.gallery.stores.row_codec import DamagedRow
from service.metrics import OTHER, GalleryFacts, Metrics
from tests.people import frames_of, parts_of


def status(gallery, **known):
    told = {
        "phase": "serving",
        "is_ready": True,
        "reason": "",
        "state": GalleryState(7, 3, 0, "c" * 40),
        "stored_seq": 9,
        "stale_for_s": 0.25,
        "snapshot_seq": 5,
        "snapshot_age_s": 60.0,
        "damaged": (DamagedRow("hidden-tracklet", "damaged"),),
        "rebuilds": 1,
        "divergences": 2,
        "snapshots": 4,
        "snapshot_failures": 3,
    }
    return ReplicaStatus(gallery=gallery, **{**told, **known})


def forgetting():
    return SimpleNamespace(
        erasures=SimpleNamespace(pending=2, overdue=1),
        sweeper=SimpleNamespace(sweeps=11, deleted=12, paused=True),
        audit=SimpleNamespace(dropped=5, waiting=6),
    )


def samples(text):
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def exposed(*replicas, listed=("default",)):
    facts = GalleryFacts(list(replicas), forgetting())
    return samples(Metrics(listed, lambda: facts).exposition().decode())


def test_every_fact_of_a_listed_gallery_stands_under_its_name():
    found = exposed(status("default"))
    of_gallery = {key[0]: value for key, value in found.items() if key[1:] == ("default",)}
    assert of_gallery == {
        "reid_gallery_ready": 1,
        "reid_gallery_tracklets": 3,
        "reid_gallery_seq": 7,
        "reid_gallery_lag_writes": 2,
        "reid_gallery_stale_seconds": 0.25,
        "reid_gallery_damaged_rows": 1,
        "reid_gallery_divergences_total": 2,
        "reid_gallery_rebuilds_total": 1,
        "reid_gallery_snapshot_age_seconds": 60,
        "reid_gallery_snapshots_total": 4,
        "reid_gallery_snapshot_failures_total": 3,
    }


def test_what_erases_sweeps_and_audits_is_counted():
    found = exposed()
    assert {key[0]: value for key, value in found.items()} == {
        "reid_ready": 1,
        "reid_erasures_pending": 2,
        "reid_erasures_overdue": 1,
        "reid_retention_sweeps_total": 11,
        "reid_retention_deleted_total": 12,
        "reid_retention_paused": 1,
        "reid_audit_dropped_total": 5,
        "reid_audit_waiting": 6,
    }


def test_galleries_that_are_not_listed_are_counted_together_without_their_names():
    found = exposed(
        status("default"),
        status("Mr Smith", stored_seq=107, stale_for_s=9.0, snapshot_age_s=None),
        status("Ms Jones", is_ready=False, state=None),
    )
    assert found["reid_gallery_tracklets", OTHER] == 3
    assert found["reid_gallery_ready", OTHER] == 1
    assert found["reid_gallery_lag_writes", OTHER] == 100
    assert found["reid_gallery_stale_seconds", OTHER] == 9
    assert found["reid_gallery_damaged_rows", OTHER] == 2
    labels = {label for key in found for label in key[1:]}
    assert labels == {"default", OTHER}


def test_what_is_not_known_is_left_out():
    found = exposed(status("default", state=None, snapshot_age_s=None))
    names = {key[0] for key in found}
    assert "reid_gallery_tracklets" not in names
    assert "reid_gallery_snapshot_age_seconds" not in names


def test_searches_are_counted_by_tier_and_exactness():
    metrics = Metrics(["default"], lambda: None)
    metrics.searched(tier="exact", exact=True)
    metrics.searched(tier="exact", exact=True)
    metrics.searched(tier="ann", exact=False)
    found = samples(metrics.exposition().decode())
    assert found["reid_gallery_searches_total", "exact", "true"] == 2
    assert found["reid_gallery_searches_total", "ann", "false"] == 1
    assert found["reid_ready",] == 0


def test_two_applications_count_apart():
    one, other = (Metrics(["default"], lambda: None) for _ in range(2))
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


def test_the_service_answers_with_numbers_and_no_names(http: httpx.Client, known, running):
    http.post("/search", json={"tracklet_id": known["tracklet"]})
    http.get(f"/galleries/default/tracklets/{known['tracklet']}?embedding=true")
    http.delete(f"/galleries/default/identities/{known['identity']}?erase=true&wait=true")
    answer = http.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    found = samples(answer.text)
    assert found["reid_ready",] == 1
    assert found["reid_gallery_tracklets", "default"] == 0
    assert found["reid_gallery_searches_total", "exact", "true"] >= 1
    said = answer.text + str(running.lines)
    assert not [name for name in known.values() if name in said]
