import httpx
import pytest

from tests.artifact_factory import DIMENSION
from tests.enrolled_lines import item, numbers

BATCH = "/galleries/default/tracklets:batch"


def ids(http: httpx.Client) -> list[str]:
    page = http.get("/galleries/default/tracklets").json()
    return [tracklet["tracklet_id"] for tracklet in page["tracklets"]]


def test_a_batch_is_one_write_and_answers_each(http: httpx.Client):
    first = http.post(BATCH, json={"enroll": [item("a"), item("b", 2)]}).json()
    assert [one["outcome"] for one in first["results"]] == ["created", "created"]
    answer = http.post(BATCH, json={"enroll": [item("b", 3)], "delete": ["a", "never"]})
    assert answer.status_code == 200
    body = answer.json()
    assert body["results"] == [
        {"tracklet_id": "b", "outcome": "replaced"},
        {"tracklet_id": "a", "outcome": "deleted"},
        {"tracklet_id": "never", "outcome": "absent"},
    ]
    assert (body["seq"], body["visible"], body["repeated"]) == (first["seq"] + 1, True, False)
    assert answer.headers["X-Gallery-Seq"] == str(body["seq"])
    assert ids(http) == ["b"]


def test_the_same_key_is_answered_again_and_not_done_again(http: httpx.Client):
    headers = {"Idempotency-Key": "key-of-batch"}
    body = {"enroll": [item("a")]}
    first = http.post(BATCH, json=body, headers=headers).json()
    http.post(BATCH, json={"delete": ["a"]})
    again = http.post(BATCH, json=body, headers=headers).json()
    assert (again["seq"], again["repeated"]) == (first["seq"], True)
    assert ids(http) == []
    other = http.post(BATCH, json={"enroll": [item("b")]}, headers=headers)
    assert (other.status_code, other.json()["error"]["code"]) == (409, "idempotency_conflict")
    unreadable = http.post(BATCH, json=body, headers={"Idempotency-Key": "x" * 129})
    assert unreadable.status_code == 422
    assert "printable ASCII" in unreadable.json()["error"]["expected"]


@pytest.mark.parametrize(
    ("body", "status", "code", "said"),
    [
        ({}, 422, "invalid_input", "1 to 256 tracklets in `enroll` and `delete` together"),
        ({"enroll": [item("a"), item("a", 2)]}, 422, "invalid_input", "each tracklet id once"),
        ({"enroll": [item("a")], "delete": ["a"]}, 422, "invalid_input", "tracklet id once"),
        ({"delete": ["x"] * 257}, 422, "invalid_input", "`delete`"),
        ({"enroll": [item("a\0b")]}, 422, "invalid_identifier", "printable characters"),
        ({"enroll": [item("\u202eabc")]}, 422, "invalid_identifier", "printable characters"),
        ({"enroll": [item("a" * 201)]}, 422, "invalid_identifier", "1 to 200"),
        ({"enroll": [item("b"), item("a", if_seq=9)]}, 409, "seq_conflict", "`if_seq`"),
        ({"enroll": [{"tracklet_id": "a"}]}, 422, "invalid_input", "`enroll.0.embedding`"),
        (
            {"enroll": [{**item("a"), "embedding": numbers()[:-1]}]},
            422,
            "invalid_embedding",
            f"an embedding of {DIMENSION} finite values",
        ),
        (
            {"enroll": [item("b"), {**item("a"), "embedding": [0.0] * DIMENSION}]},
            422,
            "invalid_embedding",
            "a length above",
        ),
        ({"enroll": [item("a", camera="a/b")]}, 422, "invalid_identifier", "a camera of"),
        ({"put": [item("a")]}, 422, "invalid_input", "only known keys"),
        ([], 422, "invalid_input", "an object"),
    ],
)
def test_a_batch_that_is_wrong_anywhere_changes_nothing(http, body, status, code, said):
    before = http.get("/galleries/default/digest").json()
    answer = http.post(BATCH, json=body)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, code)
    assert said in error["expected"]
    assert http.get("/galleries/default/digest").json() == before


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e39"])
def test_numbers_that_are_none_are_refused_and_nothing_is_stored(http: httpx.Client, value):
    written = ", ".join([value, *(["0.5"] * (DIMENSION - 1))])
    body = f'{{"enroll": [{{"tracklet_id": "a", "embedding": [{written}], "metadata": {{}}}}]}}'
    answer = http.post(BATCH, content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid_embedding")
    assert ids(http) == []


def test_a_batch_is_json(http: httpx.Client):
    answer = http.post(BATCH, content=b"x", headers={"Content-Type": "text/plain"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "unsupported_media_type")
    broken = http.post(BATCH, content=b"{", headers={"Content-Type": "application/json"})
    assert (broken.status_code, broken.json()["error"]["code"]) == (400, "malformed_request")


def test_a_filter_chooses_what_is_deleted(http: httpx.Client):
    http.post(BATCH, json={"enroll": [item("a", camera="c1"), item("b", camera="c2")]})
    path = "/galleries/default/tracklets:delete"
    chosen = {"filter": {"equals": {"field": "camera", "value": "c1"}}}
    answer = http.post(path, json=chosen)
    assert answer.json()["deleted"] == 1
    assert answer.headers["X-Gallery-Seq"] == str(answer.json()["seq"])
    assert ids(http) == ["b"]
    assert http.post(path, json=chosen).json()["deleted"] == 0
    wrong = http.post(path, json={"filter": {"equals": {"field": "colour", "value": 1}}})
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (422, "invalid_query")
    without = http.post(path, json={})
    assert without.status_code == 422
    assert ids(http) == ["b"]
    assert http.post(path, json={"filter": {"and": []}}).json()["deleted"] == 1


def test_an_unknown_gallery_is_named(http: httpx.Client):
    answer = http.post("/galleries/nowhere/tracklets:batch", json={"delete": ["a"]})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "gallery_not_found")
    assert answer.json()["error"]["received"] == "'nowhere'"
