import numpy as np
import pytest

from service.api.raw_frames import parse_shape, raw_frames
from service.errors import InvalidInput, ReidError, TooManyFrames

WANTED = "a shape of frames, rows, columns and 3, each at least 1"
REMEDY = "send it in the header, X-Tracklet-Shape: 8,256,128,3, or as `shape` in msgpack"


def refusal(call, *arguments, **options) -> ReidError:
    with pytest.raises(ReidError) as caught:
        call(*arguments, **options)
    return caught.value


def test_the_pixels_are_those_that_came():
    pixels = np.random.default_rng(0).integers(0, 256, (2, 5, 4, 3), dtype=np.uint8)
    assert np.array_equal(raw_frames(pixels.tobytes(), [2, 5, 4, 3], max_frames=2).pixels, pixels)


@pytest.mark.parametrize("text", ["8,256,128,3", " 8 , 256,128, 3"])
def test_a_shape_is_read(text):
    assert parse_shape(text) == [8, 256, 128, 3]


@pytest.mark.parametrize(
    ("text", "received"),
    [
        ("", "nothing"),
        ("8,256,128", "'8,256,128'"),
        ("8,256,128,3,1", "'8,256,128,3,1'"),
        ("-8,256,128,3", "'-8,256,128,3'"),
        ("8;256;128;3", "'8;256;128;3'"),
        ("²,1,1,3", "'²,1,1,3'"),
    ],
)
def test_a_text_that_is_no_shape(text, received):
    error = refusal(parse_shape, text)
    assert (type(error), error.expected, error.received) == (InvalidInput, WANTED, received)
    assert error.remedy == REMEDY


@pytest.mark.parametrize("shape", [[8, 4, 3], [2, 5, 4, 1], [0, 5, 4, 3], [-1, -5, 4, 3]])
def test_a_shape_that_is_none_of_frames(shape):
    error = refusal(raw_frames, b"", shape, max_frames=9)
    assert (error.expected, error.received) == (WANTED, str(shape))


@pytest.mark.parametrize("size", [119, 121, 0])
def test_pixels_of_another_shape(size):
    error = refusal(raw_frames, bytes(size), [2, 5, 4, 3], max_frames=9)
    assert error.expected == "120 bytes of pixels for the shape [2, 5, 4, 3]"
    assert error.received == f"{size} bytes"
    assert error.remedy == "send uint8 RGB in C order, and the shape that it has"


def test_a_shape_beyond_every_memory_costs_nothing():
    error = refusal(raw_frames, bytes(9), [1, 10**30, 10**30, 3], max_frames=9)
    assert error.received == "9 bytes"


def test_too_many_frames():
    error = refusal(raw_frames, bytes(3 * 60), [3, 5, 4, 3], max_frames=2)
    assert (type(error), error.expected, error.received) == (
        TooManyFrames,
        "at most 2 frames",
        "more",
    )
    assert "spread evenly over the tracklet" in error.remedy
