import base64

import httpx
import numpy as np
import pytest

from tests.live_service import live_service
from tests.people import frames_of, parts_of

PATH = "/v1/embeddings"


def uris_of(person: str, **more) -> list[str]:
    encoded = (base64.b64encode(frame).decode() for frame in frames_of(person, **more))
    return [f"data:image/png;base64,{text}" for text in encoded]


def ask(http: httpx.Client, **body):
    return http.post(PATH, json={"model": "reid", **body})


def refused(answer: httpx.Response) -> dict[str, object]:
    error = answer.json()["error"]
    assert set(error) >= {"message", "type", "param", "code", "expected", "received", "remedy"}
    assert error["param"] is None
    return error


def test_tracklets_give_what_embed_gives_in_the_order_of_the_input(http: httpx.Client):
    people = ["red", "blue", "green"] * 5
    answer = ask(http, input=[uris_of(one) for one in people]).json()
    assert (answer["object"], answer["model"]) == ("list", "tiny")
    assert [item["index"] for item in answer["data"]] == list(range(15))
    assert {item["object"] for item in answer["data"]} == {"embedding"}
    assert answer["usage"] == {"prompt_tokens": 45, "total_tokens": 45}
    for one, item in zip(people, answer["data"], strict=True):
        alone = http.post("/embed", files=parts_of(frames_of(one))).json()
        np.testing.assert_allclose(item["embedding"], alone["embedding"], atol=1e-6)


def test_base64_is_little_endian_float32_of_the_same_numbers(http: httpx.Client):
    tracklets = [uris_of("red"), uris_of("blue")]
    numbers = ask(http, input=tracklets).json()["data"]
    coded = ask(http, input=tracklets, encoding_format="base64", user="someone").json()["data"]
    for one, other in zip(numbers, coded, strict=True):
        raw = np.frombuffer(base64.b64decode(other["embedding"]), "<f4")
        np.testing.assert_array_equal(raw, np.array(one["embedding"], np.float32))


def test_text_is_a_tracklet_of_one_frame(http: httpx.Client):
    first, second = uris_of("red", count=2)
    alone = ask(http, input=first).json()
    listed = ask(http, input=[first, [second], [first, second]]).json()
    assert alone["usage"]["total_tokens"] == 1
    assert listed["usage"]["total_tokens"] == 4
    assert listed["data"][0]["embedding"] == alone["data"][0]["embedding"]
    assert listed["data"][2]["embedding"] not in [one["embedding"] for one in listed["data"][:2]]


def test_the_model_goes_by_its_name_its_fingerprint_or_reid(http: httpx.Client):
    served = http.get("/model").json()
    for name in (served["name"], served["fingerprint"], "reid"):
        assert ask(http, model=name, input=uris_of("red")).status_code == 200
    answer = ask(http, model="text-embedding-3-small", input=uris_of("red"))
    error = refused(answer)
    assert answer.status_code == 404
    assert (error["type"], error["code"]) == ("not_found_error", "model_not_found")
    assert error["message"] == (
        "expected model 'tiny' version '1', or 'reid' for whatever is served, "
        "received 'text-embedding-3-small'; GET /model says what is served"
    )


@pytest.mark.parametrize(
    ("body", "code", "expected", "received"),
    [
        ({}, "invalid_input", "`input` to be present", "nothing"),
        ({"input": []}, "invalid_input", "`input` to be a list of 1 to 2048 tracklets", "a list"),
        ({"input": [[1, 2]]}, "invalid_input", "position 0 is neither", "a list of 1"),
        ({"input": [[]]}, "no_readable_frame", "at least one frame in `input[0]`", "none"),
        ({"input": ["a dog"]}, "invalid_input", "`input[0][0]` to be base64", "not base64"),
        ({"input": ["YQ=="]}, "no_readable_frame", "at least one readable frame", "1 frames"),
        (
            {"input": ["https://example.org/a.jpg"]},
            "invalid_input",
            "`input[0][0]` to be base64",
            "the service fetches nothing",
        ),
        ({"input": "YQ==", "dimensions": 7}, "invalid_input", "`dimensions` of 20", "7"),
        ({"input": "YQ==", "modality": "x"}, "invalid_input", "known keys", "`modality`"),
    ],
)
def test_other_input_is_refused_as_the_sdks_read_it(http, body, code, expected, received):
    answer = ask(http, **body)
    error = refused(answer)
    assert (answer.status_code, error["code"]) == (422, code)
    assert error["type"] == "invalid_request_error"
    assert expected in error["expected"]
    assert received in error["received"]


def test_every_error_of_the_path_has_the_shape(http: httpx.Client):
    assert refused(http.post(PATH, content=b"{}"))["code"] == "unsupported_media_type"
    assert refused(http.get(PATH))["code"] == "method_not_allowed"
    assert refused(http.get("/v1/models"))["type"] == "not_found_error"
    assert "type" not in http.get("/v3").json()["error"]


def test_one_tracklet_that_fails_fails_the_request(http: httpx.Client):
    answer = ask(http, input=[uris_of("red"), ["YQ=="], uris_of("blue")])
    assert refused(answer)["code"] == "no_readable_frame"


def test_more_tracklets_than_fit_at_once_wait_for_those_before(artifact_dir, tmp_path):
    settings = {"REID_MAX_FRAMES": "8", "REID_MAX_QUEUE_FRAMES": "8"}
    with (
        live_service(artifact_dir, tmp_path, settings=settings) as service,
        httpx.Client(base_url=service.url, timeout=60) as http,
    ):
        answer = ask(http, input=[uris_of("red", count=6)] * 6)
    assert len(answer.json()["data"]) == 6
