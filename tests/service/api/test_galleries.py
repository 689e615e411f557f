import httpx
import pytest

from tests.enrolled_lines import item


def test_a_gallery_is_created_described_listed_and_deleted(http: httpx.Client):
    body = {"name": "platform 9", "max_tracklets": 3, "retention_s": 60.0}
    created = http.post("/galleries", json=body)
    assert created.status_code == 201
    assert http.post("/galleries", json=body).status_code == 200
    held = created.json()
    assert (held["gallery"], held["max_tracklets"], held["retention_s"]) == ("platform 9", 3, 60.0)
    assert held in http.get("/galleries").json()["galleries"]
    http.post("/galleries/platform 9/tracklets:batch", json={"enroll": [item("a")]})
    described = http.get("/galleries/platform 9")
    assert described.headers["X-Gallery-Seq"] == "1"
    shown = described.json()
    assert {key: shown[key] for key in held} == held
    assert (shown["tracklets"], shown["seq"], shown["stored_seq"]) == (1, 1, 1)
    assert (shown["ready"], shown["reason"], shown["phase"]) == (True, "", "serving")
    assert (shown["quarantined"], shown["tier"]) == (0, "exact")
    assert shown["model"] == {
        "fingerprint": http.get("/model").json()["fingerprint"],
        "dimension": 20,
    }
    dropped = http.delete("/galleries/platform 9").json()
    assert dropped == {
        "deleted": True,
        "gallery": "platform 9",
        "gallery_id": held["gallery_id"],
    }
    assert http.get("/galleries/platform 9").status_code == 404


def test_the_digest_changes_with_what_is_held(http: httpx.Client, station):
    empty = http.get(f"/galleries/{station}/digest").json()
    assert (empty["tracklets"], empty["digest"]) == (0, "0" * 16)
    http.post(f"/galleries/{station}/tracklets:batch", json={"enroll": [item("a")]})
    one = http.get(f"/galleries/{station}/digest", headers={"X-Min-Gallery-Seq": "1"})
    assert one.headers["X-Gallery-Seq"] == "1"
    assert (one.json()["tracklets"], one.json()["seq"]) == (1, 1)
    assert one.json()["digest"] != empty["digest"]
    assert one.json()["chain"] != empty["chain"]
    http.delete(f"/galleries/{station}/tracklets/a")
    assert http.get(f"/galleries/{station}/digest").json()["digest"] == empty["digest"]


def test_retention_of_a_gallery_gives_every_tracklet_an_end(http: httpx.Client):
    http.post("/galleries", json={"name": "brief", "retention_s": 1000.0})
    http.post("/galleries/brief/tracklets:batch", json={"enroll": [item("a")]})
    kept = http.get("/galleries/brief/tracklets/a").json()
    assert kept["expires"] == pytest.approx(kept["enrolled"] + 1000)
    http.delete("/galleries/brief")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 422, "invalid_input"),
        ({"name": "a/b"}, 422, "invalid_identifier"),
        ({"name": ".."}, 422, "invalid_identifier"),
        ({"name": "a", "max_tracklets": 0}, 422, "invalid_input"),
        ({"name": "a", "retention_s": 0}, 422, "invalid_input"),
        ({"name": "a", "retention_s": 1e300}, 422, "invalid_input"),
        ({"name": "a", "max_tracklets": 10**30}, 422, "invalid_input"),
        ({"name": "a", "dimension": 3}, 422, "invalid_input"),
        ({"name": "default", "max_tracklets": 5}, 409, "gallery_exists"),
    ],
)
def test_what_is_no_gallery_is_refused(http: httpx.Client, body, status, code):
    before = http.get("/galleries").json()
    answer = http.post("/galleries", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert http.get("/galleries").json() == before


@pytest.mark.parametrize("path", ["/galleries/nowhere", "/galleries/nowhere/digest"])
def test_an_unknown_gallery_is_named(http: httpx.Client, path):
    answer = http.get(path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "gallery_not_found")
    assert answer.json()["error"]["remedy"].startswith("POST /galleries creates one")
    assert http.delete("/galleries/nowhere").status_code == 404
    assert http.delete("/galleries/a/b").json()["error"]["code"] == "invalid_identifier"


def test_a_full_gallery_takes_deletions_and_nothing_more(http: httpx.Client):
    http.post("/galleries", json={"name": "small", "max_tracklets": 1})
    path = "/galleries/small/tracklets:batch"
    http.post(path, json={"enroll": [item("a")]})
    full = http.post(path, json={"enroll": [item("b")]})
    assert (full.status_code, full.json()["error"]["code"]) == (507, "capacity_exceeded")
    assert http.post(path, json={"enroll": [item("a", 2)]}).status_code == 200
    assert http.delete("/galleries/small/tracklets/a").status_code == 200
    http.delete("/galleries/small")
