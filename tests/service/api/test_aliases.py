import httpx
import pytest

from tests.enrolled_lines import item, numbers


def test_an_alias_is_pointed_used_moved_and_removed(http: httpx.Client, station):
    assert http.put("/aliases/people", json={"gallery": "default"}).json()["gallery"] == "default"
    http.post("/galleries/people/tracklets:batch", json={"enroll": [item("a")]})
    assert http.get("/galleries/default/tracklets/a").status_code == 200
    asked = {"embedding": numbers(), "gallery": "people"}
    found = http.post("/search", json=asked).json()
    described = http.get("/galleries/default").json()
    assert described["aliases"] == ["people"]
    assert (found["gallery"], found["gallery_id"]) == ("people", described["gallery_id"])
    assert len(found["matches"]) == 1

    moved = http.put("/aliases/people", json={"gallery": station}).json()
    assert moved["gallery_id"] != described["gallery_id"]
    assert http.post("/search", json=asked).json()["matches"] == []
    assert moved in http.get("/aliases").json()["aliases"]

    assert http.delete("/aliases/people").json() == {"deleted": True, "alias": "people"}
    assert http.post("/search", json=asked).status_code == 404
    assert http.delete("/aliases/people").status_code == 404


@pytest.mark.parametrize(
    ("alias", "body", "status", "code"),
    [
        ("default", {"gallery": "default"}, 409, "gallery_exists"),
        ("x", {"gallery": "nowhere"}, 404, "gallery_not_found"),
        ("x", {"gallery": "a/b"}, 422, "invalid_identifier"),
        ("a/b", {"gallery": "default"}, 422, "invalid_identifier"),
        ("x", {}, 422, "invalid_input"),
    ],
)
def test_an_impossible_alias_is_refused(http: httpx.Client, alias, body, status, code):
    answer = http.put(f"/aliases/{alias}", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert http.get("/aliases").json()["aliases"] == []
