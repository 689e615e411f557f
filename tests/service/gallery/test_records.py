import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from service.errors import InvalidEmbedding, InvalidIdentifier, InvalidMetadata
from service.gallery.records import TrackletMetadata, check_embedding, check_identifier

finite = st.floats(-(2.0**100), 2.0**100, width=32)


@given(arrays(np.float32, 5, elements=finite).filter(lambda v: np.linalg.norm(v.astype(float)) > 1))
def test_an_embedding_comes_back_with_length_1_in_its_direction(values):
    checked = check_embedding(values, 5)
    wide = values.astype(np.float64)
    assert checked.dtype == np.float32
    assert abs(np.linalg.norm(checked.astype(np.float64)) - 1) < 1e-7
    assert checked @ (wide / np.linalg.norm(wide)) > 1 - 1e-6


@given(arrays(np.float32, 5, elements=finite).filter(lambda v: np.linalg.norm(v.astype(float)) > 1))
def test_an_embedding_already_checked_stays_bit_for_bit(values):
    once = check_embedding(values, 5)
    assert check_embedding(once, 5).tobytes() == once.tobytes()


def test_an_embedding_cannot_be_changed_by_who_holds_either_end():
    values = np.array([1, 0], dtype=np.float32)
    checked = check_embedding(values, 2)
    values[1] = 7
    assert checked.tolist() == [1, 0]
    with pytest.raises(ValueError, match="read-only"):
        checked[0] = 2


@pytest.mark.parametrize(
    ("values", "received"),
    [
        ([1.0, 2.0], "shape [2]"),
        ([[1.0, 2.0, 3.0]], "shape [1, 3]"),
        ([], "shape [0]"),
        ([1.0, math.nan, math.inf], "2 values that are not finite"),
        ([0.0, 0.0, 0.0], "a vector of length 0"),
        ([1e-7, 0.0, 0.0], "a vector of length 1e-07"),
        (np.array([1e300, 1e300, 0]), "a vector of length inf"),
    ],
)
def test_a_wrong_embedding_says_what_came(values, received):
    with pytest.raises(InvalidEmbedding) as caught:
        check_embedding(values, 3)
    assert caught.value.expected == ("an embedding of 3 finite values and a length above 1e-06")
    assert caught.value.received == received
    assert "/embed" in caught.value.remedy


@pytest.mark.parametrize("values", [["a", "b"], [1j, 0], [True, False], [[1.0], [1.0, 2.0]], None])
def test_an_embedding_is_made_of_real_numbers(values):
    with pytest.raises(InvalidEmbedding) as caught:
        check_embedding(values, 2)
    assert caught.value.expected == "an embedding of real numbers"
    assert caught.value.received.startswith("values of type ")


@pytest.mark.parametrize("name", ["a", "é ß €", "x" * 200, "0001C1T0001F001.jpg", "...", "{}:*?"])
def test_an_identifier_is_anything_printable(name):
    assert check_identifier("camera", name) == name


@pytest.mark.parametrize(
    ("name", "received"),
    [
        ("", "0 characters"),
        ("x" * 201, "201 characters"),
        ("a/b", "a slash or a character that cannot be printed"),
        ("a\0b", "a slash or a character that cannot be printed"),
        ("a\nb", "a slash or a character that cannot be printed"),
        ("\u202eabc", "a slash or a character that cannot be printed"),
        ("\ud800", "a slash or a character that cannot be printed"),
        (".", "'.'"),
        ("..", "'..'"),
    ],
)
def test_what_is_no_identifier_is_refused(name, received):
    with pytest.raises(InvalidIdentifier) as caught:
        check_identifier("camera", name)
    assert caught.value.expected.startswith("a camera of 1 to 200 printable characters")
    assert caught.value.received == received
    assert caught.value.remedy == "choose another camera"


@pytest.mark.parametrize("field", ["identity", "camera"])
def test_identity_and_camera_are_identifiers(field):
    with pytest.raises(InvalidIdentifier, match=f"expected an? {field} of"):
        TrackletMetadata(**{field: "a/b"})


def test_a_tracklet_does_not_end_before_it_starts():
    with pytest.raises(InvalidMetadata) as caught:
        TrackletMetadata(start_s=2, end_s=1)
    assert caught.value.expected == "`start` not after `end`"
    assert caught.value.received == "start 2.0 and end 1.0"
    assert TrackletMetadata(start_s=1, end_s=1).end_s == 1


@pytest.mark.parametrize("field", ["start_s", "end_s"])
@pytest.mark.parametrize("seconds", [math.nan, math.inf, -math.inf])
def test_times_are_finite(field, seconds):
    with pytest.raises(InvalidMetadata) as caught:
        TrackletMetadata(**{field: seconds})
    assert caught.value.expected == f"`{field[:-2]}` in finite Unix seconds"
    assert caught.value.received == str(seconds)


def test_times_are_floats_and_never_a_negative_zero():
    metadata = TrackletMetadata(start_s=-0.0, end_s=3)
    assert math.copysign(1, metadata.start_s) == 1
    assert isinstance(metadata.end_s, float)


@pytest.mark.parametrize(
    ("start_s", "end_s", "interval"),
    [(None, None, None), (1, 2, (1, 2)), (1, None, (1, 1)), (None, 2, (2, 2))],
)
def test_one_known_time_makes_a_moment(start_s, end_s, interval):
    assert TrackletMetadata(start_s=start_s, end_s=end_s).interval_s() == interval


def test_attributes_are_copied_and_cannot_be_changed():
    given_ = {"shift": "day", "frames": 3, "speed": 1.5, "bag": True}
    metadata = TrackletMetadata(attributes=given_)
    given_["shift"] = "night"
    assert dict(metadata.attributes) == {"shift": "day", "frames": 3, "speed": 1.5, "bag": True}
    with pytest.raises(TypeError):
        metadata.attributes["shift"] = "night"


@pytest.mark.parametrize("value", [math.nan, math.inf, None, [1], 2**63, -(2**63) - 1, "\ud800"])
def test_an_attribute_is_something_that_json_gives_back(value):
    with pytest.raises(InvalidMetadata) as caught:
        TrackletMetadata(attributes={"a": value})
    assert caught.value.expected.startswith("attributes from names to text, 64-bit integers")
    assert caught.value.received == f"a value of type {type(value).__name__} that is none of them"


@pytest.mark.parametrize("name", ["", 1, "\ud800"])
def test_an_attribute_has_a_name(name):
    with pytest.raises(InvalidMetadata, match="a name that is not text"):
        TrackletMetadata(attributes={name: 1})


@pytest.mark.parametrize(
    ("expires_s", "now_s", "expired"),
    [
        (None, 1e12, False),
        (0.0, -1.0, False),
        (0.0, 0.0, True),
        (5.0, 4.9, False),
        (5.0, 5.0, True),
    ],
)
def test_a_tracklet_expires_at_its_moment_be_it_the_first_of_the_epoch(expires_s, now_s, expired):
    assert TrackletMetadata(expires_s=expires_s).has_expired(now_s) is expired
