import base64
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from service.api.embedding_codec import decode_embedding, embedding_base64, embedding_numbers
from service.errors import InvalidEmbedding

embeddings = arrays(
    np.float32, st.integers(1, 30), elements=st.floats(-1, 1, width=32, allow_subnormal=False)
)


@given(embeddings)
def test_both_encodings_round_trip_to_the_same_float32(embedding):
    numbers = json.loads(json.dumps(embedding_numbers(embedding)))
    np.testing.assert_array_equal(decode_embedding(numbers), embedding)
    np.testing.assert_array_equal(decode_embedding(embedding_base64(embedding)), embedding)


def test_base64_is_little_endian_float32():
    assert base64.b64decode(embedding_base64(np.array([1], np.float32))) == b"\x00\x00\x80\x3f"


def test_numbers_are_as_short_as_float32_allows():
    assert embedding_numbers(np.array([0.1], np.float32)) == [0.1]


def test_a_number_too_large_for_float32_becomes_infinite_for_the_gallery_to_refuse():
    assert np.isinf(decode_embedding([1e300])).all()


@pytest.mark.parametrize(
    ("text", "received"),
    [
        ("not base64!", "text that is not base64"),
        ("é", "not base64"),
        ("AAA=", "base64 of 2 bytes"),
    ],
)
def test_text_that_is_not_float32_is_refused(text, received):
    with pytest.raises(InvalidEmbedding) as caught:
        decode_embedding(text)
    assert received in caught.value.received
    assert caught.value.expected == (
        "`embedding` to be a list of finite numbers, or base64 of little-endian float32"
    )
    assert caught.value.remedy == "send the embedding as /embed answered it"
