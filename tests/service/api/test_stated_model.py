"""An embedding may say which model it is of; of another one it is refused wherever it comes."""

import json

import pytest

EMBEDDING = [1.0, *[0.5] * 19]
OTHER = "e" * 64


@pytest.fixture
def served(http):
    return http.get("/model").json()["fingerprint"]


def bodies(model):
    """Every way in which an embedding is sent: method, path, body."""
    item = {"tracklet_id": "a", "embedding": EMBEDDING, "model": model}
    alone = {"embedding": EMBEDDING, "model": model}
    gallery = "/galleries/default"
    return [
        ("PUT", f"{gallery}/tracklets/a", json.dumps(alone)),
        ("POST", f"{gallery}/tracklets:batch", json.dumps({"enroll": [item]})),
        ("POST", "/search", json.dumps(alone)),
    ]


@pytest.mark.parametrize("way", [0, 1, 2], ids=["put", "batch", "search"])
def test_another_models_embedding_is_a_conflict_that_names_both(http, served, way):
    method, path, body = bodies(OTHER)[way]
    answer = http.request(method, path, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 409
    error = answer.json()["error"]
    assert error["code"] == "model_mismatch"
    assert error["message"] == (
        f"expected an embedding of the model that is served, {served}, received one of model "
        f"'{OTHER}'; embed the frames with the model that is served"
    )
    assert http.get("/galleries/default/tracklets").json()["tracklets"] == []


@pytest.mark.parametrize("way", [0, 1, 2], ids=["put", "batch", "search"])
def test_the_served_models_embedding_is_taken(http, served, way):
    method, path, body = bodies(served)[way]
    answer = http.request(method, path, content=body, headers={"Content-Type": "application/json"})
    assert answer.is_success, answer.text


def test_a_line_of_another_model_is_answered_so_and_the_others_are_enrolled(http, served):
    lines = [
        json.dumps({"tracklet_id": name, "embedding": EMBEDDING, "model": model})
        for name, model in (("a", OTHER), ("b", served), ("c", None))
    ]
    answer = http.post(
        "/galleries/default/tracklets:bulk",
        content="\n".join(lines),
        headers={"Content-Type": "application/x-ndjson"},
    )
    told = [json.loads(line) for line in answer.text.splitlines()]
    assert told[0]["error"]["code"] == "model_mismatch"
    assert [line["outcome"] for line in told[1:3]] == ["created", "created"]


def test_an_enrolled_tracklet_states_no_model(http):
    answer = http.post("/search", json={"tracklet_id": "a", "model": OTHER})
    assert answer.status_code == 422
    assert "`model` beside an `embedding` only" in answer.json()["error"]["message"]
