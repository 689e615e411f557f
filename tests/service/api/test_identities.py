import httpx

from tests.people import frames_of, parts_of


def test_forgetting_an_identity_takes_all_its_tracklets_and_no_other(http: httpx.Client):
    for name, identity in (("a", "p 1"), ("b", "p 1"), ("c", "p2")):
        files = [*parts_of(frames_of("red")), ("metadata", (None, f'{{"identity": "{identity}"}}'))]
        http.put(f"/galleries/default/tracklets/{name}", files=files)
    answer = http.delete("/galleries/default/identities/p%201")
    assert answer.json()["deleted"] == 2
    assert answer.headers["X-Gallery-Seq"] == str(answer.json()["seq"])
    left = http.get("/galleries/default/tracklets").json()["tracklets"]
    assert [tracklet["tracklet_id"] for tracklet in left] == ["c"]
    found = http.post("/search", files=parts_of(frames_of("red"))).json()["matches"]
    assert [match["tracklet_id"] for match in found] == ["c"]


def test_an_unknown_identity_and_an_impossible_one_have_their_own_errors(http: httpx.Client):
    unknown = http.delete("/galleries/default/identities/nobody")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "identity_not_found")
    impossible = http.delete("/galleries/default/identities/a/b")
    assert impossible.status_code == 422
    assert impossible.json()["error"]["code"] == "invalid_identifier"
