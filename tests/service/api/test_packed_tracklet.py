import tracemalloc

import msgpack
import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.api.packed_tracklet import read_packed_tracklet
from service.api.tracklet_form import FormLimits
from service.errors import (
    BodyTooLarge,
    InvalidInput,
    MalformedRequest,
    NoReadableFrame,
    ReidError,
    TooManyFrames,
)
from service.media.tracklet_source import EncodedFrames, VideoOfCrops

LIMITS = FormLimits(max_frames=4, max_json_bytes=200)
PIXELS = np.arange(2 * 5 * 4 * 3, dtype=np.uint8).reshape(2, 5, 4, 3)


def read_body(body: bytes, *, json_field="metadata"):
    return read_packed_tracklet(body, json_field=json_field, limits=LIMITS)


def read(value, **options):
    return read_body(msgpack.packb(value), **options)


def refusal(value, error, **options) -> ReidError:
    with pytest.raises(ReidError) as caught:
        read(value, **options)
    assert type(caught.value) is error, caught.value
    return caught.value


@given(
    st.lists(st.binary(max_size=300), min_size=1, max_size=4),
    st.dictionaries(
        st.text(max_size=5), st.none() | st.booleans() | st.integers(-9, 9), max_size=8
    ),
)
def test_frames_come_back_whole_and_in_order_and_the_map_as_json(frames, metadata):
    packed = read({"metadata": metadata, "frames": frames})
    assert packed.source == EncodedFrames(tuple(frames))
    assert orjson.loads(packed.json) == metadata
    assert packed.sent == (packed.json, *frames)
    assert read({"frames": frames}).json == b"{}"


def test_frames_of_every_length_of_header():
    frames = [bytes(size) for size in (0, 255, 256, 65_535, 65_536)]
    for frame in frames:
        assert read({"frames": [frame]}).source.files == (frame,)


def test_pixels_come_with_their_shape():
    packed = read({"pixels": PIXELS.tobytes(), "shape": [2, 5, 4, 3]})
    assert np.array_equal(packed.source.pixels, PIXELS)
    other = read({"pixels": PIXELS.tobytes(), "shape": [1, 10, 4, 3]})
    assert packed.sent != other.sent


def test_a_video_comes_whole():
    assert read({"video": b"a video"}).source == VideoOfCrops(b"a video")


@pytest.mark.parametrize(
    ("body", "known"),
    [
        (b"", "nothing"),
        (msgpack.packb([1, 2]), "a list"),
        (msgpack.packb({"frames": [b"x"]})[:-1], "cut off"),
        (msgpack.packb({"frames": [b"x"]}) + b"\x00", "something behind"),
        (b"\x81\xa6frames\xc1", "a byte that is never used"),
        (b"\x81\xa6frames" + b"\x91" * 5000, "a deep nest"),
        (b"\xdf\xff\xff\xff\xff", "a map that is not there"),
        (b"nonsense", "text"),
    ],
)
def test_what_is_no_map_is_malformed(body, known):
    with pytest.raises(ReidError) as caught:
        read_body(body)
    assert caught.value.code in {"malformed_request", "invalid_input"}, known
    if known not in {"a map that is not there"}:
        assert type(caught.value) is MalformedRequest
        assert caught.value.expected == "one msgpack map"
        assert caught.value.received == "a body that is none, or ends before the map does"
        assert caught.value.remedy == "pack a map with `frames`, a list of files as bytes"


def test_other_keys_are_refused_by_name():
    error = refusal({"frames": [b"x"], "frame": 1}, InvalidInput)
    assert error.expected == "only the keys `frames`, `pixels`, `shape`, `video`, `metadata`"
    assert (error.received, error.remedy) == ("`frame`", "rename it or leave it out")
    assert refusal({"metadata": {}, "frames": [b"x"]}, InvalidInput, json_field=None).received == (
        "`metadata`"
    )
    assert refusal({7: 1}, InvalidInput).received == "a key that is no short text"
    assert refusal({"k" * 99: 1}, InvalidInput).received == "a key that is no short text"
    many = {f"k{n}": 1 for n in range(9)}
    assert refusal(many, InvalidInput).received == "9 keys"


def test_a_key_that_comes_twice_is_refused():
    once = msgpack.packb("frames") + msgpack.packb([b"x"])
    with pytest.raises(InvalidInput) as caught:
        read_body(b"\x82" + once + once)
    assert (caught.value.expected, caught.value.received) == ("one key `frames`", "more than one")


@pytest.mark.parametrize(
    ("value", "received"),
    [
        ({"frames": [b"x"], "video": b"x"}, "`frames` and `video`"),
        ({"frames": [b"x"], "shape": [1, 1, 1, 3]}, "`frames` and `shape`"),
        ({"pixels": b"xyz", "metadata": {}}, "`pixels`"),
    ],
)
def test_one_form_at_a_time(value, received):
    error = refusal(value, InvalidInput)
    assert error.expected == "one of `frames`, `video`, and `pixels` with their `shape`"
    assert (error.received, error.remedy) == (received, "send one form of a tracklet")


@pytest.mark.parametrize("value", [{}, {"metadata": {}}, {"shape": [1, 1, 1, 3]}])
def test_no_form_at_all(value):
    error = refusal(value, NoReadableFrame)
    assert (error.expected, error.received) == ("a key `frames`, `pixels` or `video`", "none")


def test_an_empty_list_of_frames():
    error = refusal({"frames": []}, NoReadableFrame)
    assert (error.expected, error.received) == ("at least one frame in `frames`", "an empty list")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"frames": b"x"}, "`frames` to be a list"),
        ({"frames": ["text"]}, "`frames[0]` to be binary"),
        ({"frames": [b"x", [b"x"]]}, "`frames[1]` to be binary"),
        ({"video": "text"}, "`video` to be binary"),
        ({"pixels": [1, 2, 3], "shape": [1, 1, 1, 3]}, "`pixels` to be binary"),
        ({"pixels": b"xyz", "shape": "1,1,1,3"}, "`shape` to be a list of four whole numbers"),
        ({"pixels": b"xyz", "shape": [1.0, 1, 1, 3]}, "`shape` to be a list of four whole"),
        ({"pixels": b"xyz", "shape": [True, 1, 1, 3]}, "`shape` to be a list of four whole"),
        ({"pixels": b"xyz", "shape": [1] * 99}, "`shape` to be a list of four whole numbers"),
    ],
)
def test_another_type_is_refused_by_its_place(value, expected):
    error = refusal(value, InvalidInput)
    assert error.expected.startswith(expected)
    assert error.received == "another type"
    assert "as binary (`use_bin_type`)" in error.remedy


@pytest.mark.parametrize(
    "metadata", ["text", [1], None, {"a": b"bytes"}, {"a": [{"b": b""}]}, {b"a": 1}]
)
def test_a_map_that_json_cannot_say(metadata):
    error = refusal({"frames": [b"x"], "metadata": metadata}, InvalidInput)
    assert error.expected == "`metadata` to be a map of what JSON can say"
    assert "keys of text" in error.remedy


def test_extension_types_and_other_keys_are_not_unpacked():
    for value in ({"a": msgpack.ExtType(1, b"x")}, {"a": msgpack.Timestamp(1)}, {1: 2}):
        with pytest.raises(MalformedRequest):
            read({"frames": [b"x"], "metadata": value})


def test_not_a_number_stays_one_for_the_schema_to_refuse():
    assert read({"frames": [b"x"], "metadata": {"start": float("nan")}}).json == b'{"start": NaN}'


def test_limits():
    assert refusal({"frames": [b"x"] * 5}, TooManyFrames).expected == "at most 4 frames"
    error = refusal({"pixels": bytes(15), "shape": [5, 1, 1, 3]}, TooManyFrames)
    assert error.expected == "at most 4 frames"
    error = refusal({"frames": [b"x"], "metadata": {"a": "b" * 200}}, BodyTooLarge)
    assert (error.expected, error.received) == ("at most 200 bytes", "a larger `metadata`")


@pytest.mark.parametrize("key", ["frames", "pixels", "video", "metadata", "other"])
def test_a_few_bytes_cannot_ask_for_gigabytes(key):
    """Ten million empty maps take ten million bytes, and 64 times that once unpacked."""
    count = 10_000_000
    nest = b"\xdd" + count.to_bytes(4, "big") + b"\x80" * count
    body = b"\x81" + msgpack.packb(key) + nest
    tracemalloc.start()
    with pytest.raises(ReidError):
        read_body(body)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 3 * count
