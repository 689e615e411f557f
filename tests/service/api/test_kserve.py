import asyncio
import base64
import json
import struct
from types import SimpleNamespace

import httpx
import numpy as np
import pytest

from service.api.deadline import Deadline
from service.api.kserve import _asked_pace, infer
from service.api.kserve_schemas import InferParameters
from service.api.request_urgency import Pace
from service.batching.urgency import Priority
from service.settings import Settings
from tests.drawn_pixels import drawn_pixels
from tests.people import frames_of, parts_of

INFER = "/v2/models/reid/infer"
LENGTH = "Inference-Header-Content-Length"


def frames_input(pixels: np.ndarray, **more) -> dict[str, object]:
    return {"name": "frames", "datatype": "UINT8", "shape": list(pixels.shape), **more}


def post_binary(http: httpx.Client, body: dict[str, object], tail: bytes, **options):
    head = json.dumps(body).encode()
    headers = {LENGTH: str(len(head)), "Content-Type": "application/octet-stream"}
    return http.post(INFER, content=head + tail, headers=headers, **options)


def embedding_of(answer: httpx.Response) -> np.ndarray:
    assert answer.status_code == 200, answer.text
    (output,) = answer.json()["outputs"]
    assert (output["name"], output["datatype"], output["shape"]) == ("embedding", "FP32", [20])
    return np.array(output["data"], np.float32)


@pytest.fixture
def pixels() -> np.ndarray:
    return drawn_pixels(3)


@pytest.fixture
def embedded(http: httpx.Client) -> np.ndarray:
    answer = http.post("/embed", files=parts_of(frames_of("red")))
    return np.array(answer.json()["embedding"], np.float32)


def test_the_server_says_what_it_is(http: httpx.Client):
    server = http.get("/v2").json()
    assert server["name"] == "tracklet-reid"
    assert server["extensions"] == ["binary_tensor_data"]
    assert http.get("/v2/health/live").json() == {"live": True}
    assert http.get("/v2/health/ready").json() == {"ready": True}


@pytest.mark.parametrize("path", ["tiny", "reid", "tiny/versions/1", "reid/versions/1"])
def test_the_model_says_what_it_takes(http: httpx.Client, path):
    model = http.get(f"/v2/models/{path}").json()
    assert (model["name"], model["versions"]) == ("tiny", ["1"])
    assert {one["name"]: (one["datatype"], one["shape"]) for one in model["inputs"]} == {
        "frames": ("UINT8", [-1, -1, -1, 3]),
        "files": ("BYTES", [-1]),
    }
    assert model["outputs"] == [{"name": "embedding", "datatype": "FP32", "shape": [20]}]
    assert http.get(f"/v2/models/{path}/ready").json() == {"name": "tiny", "ready": True}


@pytest.mark.parametrize("path", ["other", "tiny/versions/2", "reid/versions/0"])
def test_another_model_is_not_found_in_the_protocols_shape(http: httpx.Client, path):
    for answer in (
        http.get(f"/v2/models/{path}"),
        http.get(f"/v2/models/{path}/ready"),
        http.post(f"/v2/models/{path}/infer", json={}),
    ):
        assert answer.status_code == 404
        assert set(answer.json()) == {"error"}
        assert answer.json()["error"].startswith("expected model 'tiny' version '1', or 'reid'")


def test_pixels_in_json_nested_flat_and_binary_are_the_same(http: httpx.Client, pixels):
    nested = http.post(INFER, json={"inputs": [frames_input(pixels, data=pixels.tolist())]})
    flat = http.post(INFER, json={"inputs": [frames_input(pixels, data=pixels.ravel().tolist())]})
    tail = pixels.tobytes()
    sized = frames_input(pixels, parameters={"binary_data_size": len(tail)})
    binary = post_binary(http, {"inputs": [sized]}, tail)
    np.testing.assert_array_equal(embedding_of(nested), embedding_of(flat))
    np.testing.assert_array_equal(embedding_of(nested), embedding_of(binary))


def test_files_give_what_embed_gives(http: httpx.Client, embedded):
    frames = frames_of("red")
    texts = [base64.b64encode(frame).decode() for frame in frames]
    files = {"name": "files", "datatype": "BYTES", "shape": [3]}
    as_json = http.post(INFER, json={"inputs": [{**files, "data": texts}]})
    tail = b"".join(struct.pack("<I", len(frame)) + frame for frame in frames)
    sized = {**files, "parameters": {"binary_data_size": len(tail)}}
    binary = post_binary(http, {"inputs": [sized]}, tail)
    np.testing.assert_array_equal(embedding_of(as_json), embedded)
    np.testing.assert_array_equal(embedding_of(binary), embedded)


@pytest.mark.parametrize(
    ("parameters", "outputs", "binary"),
    [
        ({}, [], False),
        ({"binary_data_output": True}, [], True),
        ({"binary_data_output": True}, [{"name": "embedding"}], True),
        ({}, [{"name": "embedding", "parameters": {"binary_data": True}}], True),
        (
            {"binary_data_output": True},
            [{"name": "embedding", "parameters": {"binary_data": False}}],
            False,
        ),
    ],
)
def test_the_embedding_is_written_as_it_is_asked_for(http, pixels, parameters, outputs, binary):
    body = {
        "id": "mine",
        "inputs": [frames_input(pixels, data=pixels.tolist())],
        "parameters": parameters,
        "outputs": outputs,
    }
    answer = http.post(INFER, json=body)
    numbers = embedding_of(http.post(INFER, json={"inputs": body["inputs"]}))
    assert (LENGTH in answer.headers) == binary
    if binary:
        length = int(answer.headers[LENGTH])
        said, tail = json.loads(answer.content[:length]), answer.content[length:]
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert said["outputs"][0]["parameters"] == {"binary_data_size": len(tail)}
        np.testing.assert_array_equal(np.frombuffer(tail, "<f4"), numbers)
    else:
        said = answer.json()
        np.testing.assert_array_equal(embedding_of(answer), numbers)
    assert (said["model_name"], said["model_version"], said["id"]) == ("tiny", "1", "mine")


@pytest.mark.parametrize("usual", list(Priority))
@pytest.mark.parametrize(
    ("parameters", "priority", "seconds"),
    [
        ({}, None, 30.0),
        ({"priority": 1}, Priority.INTERACTIVE, 30.0),
        ({"priority": 2}, Priority.BULK, 30.0),
        ({"priority": 7, "timeout": 1_500_000}, Priority.BULK, 1.5),
        ({"timeout": 60_000_000}, None, 60.0),
    ],
)
def test_parameters_go_before_headers(usual, parameters, priority, seconds):
    asked = InferParameters.model_validate(parameters)
    pace = _asked_pace(Pace(usual, 30.0), asked, Settings.model_construct())
    assert pace == Pace(usual if priority is None else priority, seconds)


@pytest.mark.parametrize(("timeout", "ends_with_the_body"), [(0, True), (9_000_000, False)])
def test_the_time_of_the_header_is_not_begun_anew_after_the_body(
    pixels, timeout, ends_with_the_body
):
    asked = {
        "inputs": [frames_input(pixels, data=pixels.tolist())],
        "parameters": {"timeout": timeout},
    }
    urgencies = []

    async def body():
        await asyncio.sleep(0.02)
        yield json.dumps(asked).encode()

    async def embed(source, *, urgency):
        urgencies.append(urgency)
        raise asyncio.CancelledError

    async def story():
        deadline = Deadline(9.0)
        request = SimpleNamespace(headers={}, stream=body)
        gallery = SimpleNamespace(in_thread=asyncio.to_thread)
        runtime = SimpleNamespace(settings=Settings(), gallery=gallery, embed=embed)
        with pytest.raises(asyncio.CancelledError):
            await infer(request, runtime, deadline, Pace(Priority.BULK, 9.0))
        return deadline.until_s

    until_s = asyncio.run(story())
    assert (urgencies[0].until_s == until_s) == ends_with_the_body


@pytest.mark.parametrize("priority", [0, 1, 2, 7])
def test_priority_and_timeout_are_parameters(http: httpx.Client, pixels, priority):
    inputs = [frames_input(pixels, data=pixels.tolist())]
    good = {"priority": priority, "timeout": 20_000_000}
    assert http.post(INFER, json={"inputs": inputs, "parameters": good}).status_code == 200


def test_a_time_too_short_or_too_long_is_told(http: httpx.Client, pixels):
    inputs = [frames_input(pixels, data=pixels.tolist())]
    short = http.post(INFER, json={"inputs": inputs, "parameters": {"timeout": 1}})
    assert short.status_code == 504
    assert short.json()["error"].startswith("expected an answer within 1e-06 s")
    long = http.post(INFER, json={"inputs": inputs, "parameters": {"timeout": 61_000_000}})
    assert long.status_code == 422
    assert "expected `timeout` of at most 60 s, received 61 s" in long.json()["error"]
