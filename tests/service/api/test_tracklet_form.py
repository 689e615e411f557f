import asyncio
import tempfile

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from service.api.tracklet_form import FormLimits, TrackletForm, read_tracklet_form
from service.errors import (
    BodyTooLarge,
    InvalidInput,
    MalformedRequest,
    NoReadableFrame,
    ReidError,
    TooManyFrames,
)
from tests.asgi_exchange import http_scope

LIMITS = FormLimits(max_frames=4, max_json_bytes=50)


def read(body: bytes, content_type: str, *, chunk: int = 7, json_field="metadata") -> TrackletForm:
    chunks = [body[i : i + chunk] for i in range(0, len(body), chunk)] or [b""]

    async def run() -> TrackletForm:
        left = list(chunks)

        async def receive():
            return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

        request = Request(http_scope({"Content-Type": content_type}), receive)
        return await read_tracklet_form(request, json_field=json_field, limits=LIMITS)

    return asyncio.run(run())


def built(*parts) -> tuple[bytes, str]:
    request = httpx.Request("POST", "http://test", files=list(parts))
    return request.read(), request.headers["Content-Type"]


def refusal(*parts, **options) -> ReidError:
    with pytest.raises(ReidError) as caught:
        read(*built(*parts), **options)
    return caught.value


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=4), st.integers(1, 60))
def test_frames_come_back_whole_and_in_order_however_the_body_is_cut(frames, chunk):
    parts = [("frames", (f"{i}.jpg", frame)) for i, frame in enumerate(frames)]
    form = read(*built(*parts, ("metadata", (None, b'{"a": 1}'))), chunk=chunk)
    assert form == TrackletForm(frames=tuple(frames), json=b'{"a": 1}')


def test_frames_need_no_file_name_and_the_json_may_come_first_or_not_at_all():
    parts = [("metadata", ("m.json", b"{}")), ("frames", (None, b"one")), ("frames", (None, b"2"))]
    assert read(*built(*parts)).frames == (b"one", b"2")
    assert read(*built(*parts[1:])).json == b"{}"


def test_large_frames_are_never_spooled_to_disk(monkeypatch):
    def refuse(*_args, **_kwargs):
        raise AssertionError("a frame went to a temporary file")

    monkeypatch.setattr(tempfile, "SpooledTemporaryFile", refuse)
    monkeypatch.setattr("starlette.formparsers.SpooledTemporaryFile", refuse)
    large = b"x" * 3_000_000
    assert read(*built(("frames", ("a", large))), chunk=65536).frames == (large,)


def test_the_first_frame_over_the_limit_ends_the_reading():
    frames = [("frames", (str(i), b"x")) for i in range(5)]
    error = refusal(*frames)
    assert type(error) is TooManyFrames
    assert error.expected == "at most 4 frames"
    assert "spread evenly" in error.remedy


def test_the_json_field_is_bounded():
    error = refusal(("metadata", (None, b"x" * 51)), ("frames", ("a", b"x")))
    assert type(error) is BodyTooLarge
    assert error.expected == "at most 50 bytes"
    assert error.received == "a larger part `metadata`"


def test_a_part_of_another_name_is_refused_by_name():
    error = refusal(("frames[]", ("a", b"x")))
    assert type(error) is InvalidInput
    assert error.expected == "parts named `frames` or `video`, and `metadata`"
    assert error.received == "a part named `frames[]`"
    assert error.remedy == "rename it or leave it out"
    error = refusal(("metadata", (None, b"{}")), json_field=None)
    assert error.expected == "parts named `frames` or `video`"


def test_a_second_json_field_is_refused():
    error = refusal(("metadata", (None, b"{}")), ("metadata", (None, b"{}")))
    assert error.expected == "one part named `metadata`"
    assert error.received == "more than one"


def test_a_video_stands_in_the_place_of_frames():
    form = read(*built(("video", ("v.mp4", b"a video")), ("metadata", (None, b"{}"))))
    assert form == TrackletForm(frames=(), json=b"{}", video=b"a video")


@pytest.mark.parametrize("names", [("frames", "video"), ("video", "frames")])
def test_frames_beside_a_video_are_refused(names):
    error = refusal(*((name, (name, b"x")) for name in names))
    assert str(error) == (
        "expected parts named `frames`, or one named `video`, received both; "
        "send one form of a tracklet"
    )


def test_a_second_video_is_refused():
    error = refusal(("video", ("v", b"x")), ("video", ("v", b"x")))
    assert (error.expected, error.received) == ("one part named `video`", "more than one")


def test_a_form_without_frames_says_how_to_send_them():
    error = refusal(("metadata", (None, b"{}")))
    assert type(error) is NoReadableFrame
    assert error.expected == "at least one part named `frames`, or one named `video`"
    assert "as a part named `frames`, in time order" in error.remedy


BODY, TYPE = built(("frames", ("a.jpg", b"some bytes")))


@pytest.mark.parametrize(
    ("body", "content_type", "received"),
    [
        (BODY, "multipart/form-data", "a content type without a boundary"),
        (b"", TYPE, "a body that ends before its closing boundary"),
        (BODY[:-8], TYPE, "a body that ends before its closing boundary"),
        (b"nonsense", TYPE, "a body that is not multipart/form-data"),
        (BODY, "multipart/form-data; boundary=" + "b" * 300, "not multipart/form-data"),
    ],
    # The boundary is random, and processes that share the tests out must agree on their names.
    ids=["no boundary", "nothing", "cut off", "nonsense", "long boundary"],
)
def test_what_is_not_multipart_is_malformed(body, content_type, received):
    with pytest.raises(MalformedRequest) as caught:
        read(body, content_type)
    assert received in caught.value.received
    assert "with a boundary and a closing boundary" in caught.value.expected
    assert "curl -F frames=@000.jpg" in caught.value.remedy


def test_a_part_without_a_name_does_not_inherit_the_name_before_it():
    body = (
        b'--b\r\nContent-Disposition: form-data; name="frames"\r\n\r\none\r\n'
        b"--b\r\nContent-Type: image/jpeg\r\n\r\ntwo\r\n--b--\r\n"
    )
    with pytest.raises(InvalidInput, match="received a part named ``"):
        read(body, "multipart/form-data; boundary=b")
