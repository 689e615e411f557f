"""What the gallery says of itself: true numbers, few labels, nothing personal."""

from types import SimpleNamespace

from prometheus_client import CollectorRegistry, generate_latest

from service.gallery.replica.replica_status import ReplicaStatus
from service.gallery.stores.protocol import GalleryState
from service.gallery.stores.row_codec import DamagedRow
from service.gallery_metrics import OTHER, GalleryFacts, GalleryMetrics
from tests.metric_samples import samples


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


def exposed(*replicas, listed=("default",)):
    facts = GalleryFacts(list(replicas), forgetting())
    registry = CollectorRegistry()
    registry.register(GalleryMetrics(listed, lambda: facts))
    return samples(generate_latest(registry).decode())


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
