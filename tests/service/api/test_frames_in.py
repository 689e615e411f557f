import io
import json

import httpx
import msgpack
import numpy as np
import pytest
from PIL import Image
from starlette.requests import Request

from service.api.frames_in import _beside
from service.api.tracklet_form import FormLimits
from service.errors import BodyTooLarge
from tests.asgi_exchange import http_scope
from tests.encoded_videos import encoded_video, shaded
from tests.people import frames_of, parts_of

ONE = "/galleries/default/tracklets/a"
MSGPACK = {"Content-Type": "application/msgpack"}
PIXELS = np.random.default_rng(0).integers(0, 256, (3, 64, 32, 3), dtype=np.uint8)
VIDEO = encoded_video(shaded(21))


def raw(pixels=PIXELS, **headers):
    shape = ",".join(str(side) for side in pixels.shape)
    kinds = {"Content-Type": "application/octet-stream", "X-Tracklet-Shape": shape}
    return {"content": pixels.tobytes(), "headers": {**kinds, **headers}}


def packed(**fields):
    return {"content": msgpack.packb(fields), "headers": MSGPACK}


def clip(**headers):
    return {"content": VIDEO, "headers": {"Content-Type": "video/mp4", **headers}}


def embedding(http, **request) -> list[float]:
    answer = http.post("/embed", **request)
    assert answer.status_code == 200, answer.text
    return answer.json()["embedding"]


def test_the_same_frames_in_a_form_and_in_msgpack_are_the_same_tracklet(http: httpx.Client):
    frames = frames_of("red")
    assert embedding(http, **packed(frames=frames)) == embedding(http, files=parts_of(frames))


def test_the_same_pixels_raw_and_in_msgpack_are_the_same_tracklet(http: httpx.Client):
    both = packed(pixels=PIXELS.tobytes(), shape=list(PIXELS.shape))
    assert embedding(http, **raw()) == embedding(http, **both)


def test_pixels_are_embedded_as_a_lossless_picture_of_them_is(http: httpx.Client):
    frames = [frame for person in ("red", "blue") for frame in frames_of(person)]
    pixels = np.stack([np.asarray(Image.open(io.BytesIO(frame))) for frame in frames])
    assert embedding(http, **raw(pixels)) == embedding(http, files=parts_of(frames))


def test_the_same_video_in_a_form_in_msgpack_and_alone_is_the_same_tracklet(http: httpx.Client):
    alone = http.post("/embed", **clip()).json()
    assert alone["frames"] == {"received": 21, "used": 8, "rejected": []}
    assert alone["embedding"] == embedding(http, **packed(video=VIDEO))
    assert alone["embedding"] == embedding(http, files=[("video", ("v.mp4", VIDEO))])


@pytest.mark.parametrize(
    "request_of",
    [
        lambda name, value: packed(frames=frames_of("red"), **{name: value}),
        lambda name, value: raw(**{f"X-Tracklet-{name.title()}": json.dumps(value)}),
        lambda name, value: clip(**{f"X-Tracklet-{name.title()}": json.dumps(value)}),
    ],
    ids=["msgpack", "pixels", "video"],
)
def test_metadata_and_query_come_beside_every_form(http: httpx.Client, request_of):
    known = {"identity": "p1", "camera": "Süd", "start": 5, "attributes": {"a": 1}}
    answer = http.put(ONE, **request_of("metadata", known))
    assert answer.status_code == 201, answer.text
    kept = http.get(ONE).json()
    assert (kept["identity"], kept["camera"], kept["start"]) == ("p1", "Süd", 5)
    found = http.post("/search", **request_of("query", {"top_k": 1})).json()
    assert [match["tracklet_id"] for match in found["matches"]] == ["a"]
    assert found["matches"][0]["similarity"] > 0.999
    wrong = http.put(ONE, **request_of("metadata", {"start": 9, "end": 3}))
    assert wrong.json()["error"]["code"] == "invalid_metadata"
    wrong = http.post("/search", **request_of("query", {"topk": 3}))
    assert wrong.json()["error"]["code"] == "invalid_query"


def test_a_repeated_request_is_known_again_whatever_packs_its_frames(http: httpx.Client):
    frames = frames_of("red")
    key = {"Idempotency-Key": "k-frames-in"}
    as_form = http.put(ONE, files=parts_of(frames), headers=key).json()
    body = packed(frames=frames)
    as_msgpack = http.put(ONE, **{**body, "headers": {**MSGPACK, **key}}).json()
    assert (as_form["repeated"], as_msgpack["repeated"]) == (False, True)
    other = http.put(ONE, **raw(**key))
    assert other.json()["error"]["code"] == "idempotency_conflict"


def test_shape_of_raw_pixels_counts_for_what_is_the_same_request(http: httpx.Client):
    key = {"Idempotency-Key": "k-shape"}
    assert http.put(ONE, **raw(**key)).status_code in {200, 201}
    turned = http.put(ONE, **raw(PIXELS.reshape(3, 32, 64, 3), **key))
    assert turned.json()["error"]["code"] == "idempotency_conflict"


@pytest.mark.parametrize(
    ("kind", "received"),
    [("text/plain", "text/plain"), ("application/pdf", "application/pdf"), ("video", "video")],
)
def test_another_content_type(http: httpx.Client, kind, received):
    answer = http.post("/embed", content=b"x", headers={"Content-Type": kind})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (415, "unsupported_media_type")
    assert error["expected"] == (
        "Content-Type multipart/form-data or application/msgpack or application/octet-stream "
        "or video/*"
    )
    assert error["received"] == received
    assert "curl -F frames=@000.jpg" in error["remedy"]


@pytest.mark.parametrize("kind", ["application/msgpack", "application/octet-stream", "video/mp4"])
def test_an_empty_body(http: httpx.Client, kind):
    headers = {"Content-Type": kind, "X-Tracklet-Shape": "1,1,1,3"}
    error = http.post("/embed", headers=headers).json()["error"]
    assert (error["code"], error["expected"]) == ("no_readable_frame", "frames in the body")
    assert error["received"] == "0 bytes"
    assert error["remedy"] == "send msgpack, raw pixels or a video file as the body"


def test_a_header_of_json_is_bounded():
    """The HTTP server bounds headers before that, so the rule is asked for directly."""
    request = Request(http_scope({"X-Tracklet-Metadata": "x" * 60}))
    with pytest.raises(BodyTooLarge, match="received a larger header `X-Tracklet-Metadata`"):
        _beside(request, "metadata", FormLimits(max_frames=1, max_json_bytes=50))
    assert _beside(request, None, FormLimits(max_frames=1, max_json_bytes=50)) == b"{}"


def test_too_many_frames_in_every_form(http: httpx.Client):
    many = np.zeros((21, 2, 2, 3), np.uint8)
    for request in (raw(many), packed(frames=[b"x"] * 21)):
        error = http.post("/embed", **request).json()["error"]
        assert (error["code"], error["expected"]) == ("too_many_frames", "at most 20 frames")
