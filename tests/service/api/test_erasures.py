"""Over HTTP: a deletion that leaves nothing, its receipt, and what is refused."""

import time

import httpx

from tests.people import frames_of, parts_of

PEOPLE = "/galleries/default/identities"
TRACKLETS = "/galleries/default/tracklets"
ERASURES = "/galleries/default/erasures"


def enroll(http, name, identity, colour="red"):
    files = [*parts_of(frames_of(colour)), ("metadata", (None, f'{{"identity": "{identity}"}}'))]
    return http.put(f"{TRACKLETS}/{name}", files=files)


def ids(http):
    return [each["tracklet_id"] for each in http.get(TRACKLETS).json()["tracklets"]]


def test_erasing_is_accepted_with_a_receipt_that_becomes_final(http: httpx.Client):
    for name, identity in (("a", "p1"), ("b", "p1"), ("c", "p2")):
        assert enroll(http, name, identity).status_code == 201
    begun = http.delete(f"{PEOPLE}/p1?erase=true")
    assert begun.status_code == 202
    receipt = begun.json()
    assert (receipt["gallery"], receipt["identity"]) == ("default", "p1")
    path = f"{ERASURES}/{receipt['receipt_id']}"
    for _ in range(400):
        receipt = http.get(path).json()
        if receipt["state"] == "final":
            break
        time.sleep(0.05)
    assert receipt["state"] == "final"
    assert receipt["tracklets"] == 2
    assert {place["state"] for place in receipt["places"]} == {
        "erased",
        "never_stored",
        "operator",
    }
    assert receipt["requested"] <= receipt["final"] <= receipt["deadline"]
    assert ids(http) == ["c"]
    assert receipt in http.get(ERASURES).json()["erasures"]
    assert "embedding" not in str(receipt["places"]).replace("no embedding", "")


def test_waiting_answers_with_the_final_receipt(http: httpx.Client):
    enroll(http, "a", "p1")
    enroll(http, "b", "p1")
    ended = http.delete(f"{TRACKLETS}/a?erase=true&wait=true")
    assert ended.status_code == 200, ended.text
    assert (ended.status_code, ended.json()["state"]) == (200, "final")
    assert (ended.json()["tracklet_id"], ended.json()["identity"]) == ("a", None)
    assert ids(http) == ["b"]


def test_who_is_not_enrolled_can_be_erased_and_enrolled_afterwards(http: httpx.Client):
    ended = http.delete(f"{PEOPLE}/nobody?erase=true&wait=true")
    assert (ended.status_code, ended.json()["tracklets"]) == (200, 0)
    assert enroll(http, "a", "nobody").status_code == 201


def test_waiting_without_erasing_is_refused_and_nothing_is_deleted(http: httpx.Client):
    enroll(http, "a", "p1")
    refused = http.delete(f"{PEOPLE}/p1?wait=true")
    assert refused.status_code == 422
    assert refused.json()["error"]["code"] == "invalid_query"
    assert refused.json()["error"]["expected"] == "`wait=true` with `erase=true` only"
    assert ids(http) == ["a"]


def test_an_erasure_upon_a_condition_is_refused(http: httpx.Client):
    enroll(http, "a", "p1")
    for path, headers in (
        (f"{TRACKLETS}/a?erase=true&if_seq=1", {}),
        (f"{TRACKLETS}/a?erase=true", {"If-Match": '"1"'}),
    ):
        refused = http.delete(path, headers=headers)
        assert refused.status_code == 422
        said = refused.json()["error"]["expected"]
        assert said == "`erase=true` without `if_seq` and If-Match"
    assert ids(http) == ["a"]


def test_without_erase_it_is_the_deletion_that_it_was(http: httpx.Client):
    enroll(http, "a", "p1")
    answer = http.delete(f"{PEOPLE}/p1")
    assert (answer.status_code, answer.json()["deleted"]) == (200, 1)


def test_an_unknown_receipt_and_an_unknown_gallery_have_their_own_errors(http: httpx.Client):
    unknown = http.get(f"{ERASURES}/nothing")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "receipt_not_found")
    elsewhere = http.get("/galleries/nowhere/erasures")
    assert elsewhere.json()["error"]["code"] == "gallery_not_found"
    refused = http.delete("/galleries/nowhere/identities/p1?erase=true")
    assert refused.json()["error"]["code"] == "gallery_not_found"
