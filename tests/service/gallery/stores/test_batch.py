import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import InvalidInput
from service.gallery.stores.batch import (
    MOST_CHANGES,
    Batch,
    Delete,
    IdempotencyKey,
    request_digest,
)
from tests.gallery_stores import upsert


@pytest.mark.parametrize("count", [0, MOST_CHANGES + 1, 1000])
def test_a_batch_has_one_to_256_changes(count):
    with pytest.raises(InvalidInput) as caught:
        Batch(tuple(Delete(f"t{number}") for number in range(count)))
    assert caught.value.expected == "1 to 256 changes in one write"
    assert caught.value.received == str(count)
    assert caught.value.remedy == "split them into several writes"


@pytest.mark.parametrize("count", [1, MOST_CHANGES])
def test_a_batch_of_the_least_and_the_most_changes_is_taken(count):
    assert len(Batch(tuple(Delete(f"t{number}") for number in range(count))).changes) == count


def test_a_tracklet_is_changed_once_in_a_batch():
    for twice in ((Delete("a"), Delete("a")), (upsert("a", 1), Delete("b"), Delete("a"))):
        with pytest.raises(InvalidInput) as caught:
            Batch(twice)
        assert caught.value.expected == "each tracklet id once in a batch"
        assert caught.value.received == "'a' twice"
        assert caught.value.remedy == "leave one of them out"


@pytest.mark.parametrize("key", ["", "x" * 129, "é", "a\n", "a\0", "שלום", "\x7f"])
def test_a_key_is_printable_ascii_of_bounded_length(key):
    with pytest.raises(InvalidInput) as caught:
        IdempotencyKey(key, "r")
    expected = "an idempotency key of 1 to 128 printable ASCII characters"
    assert caught.value.expected == expected
    assert caught.value.received == f"{len(key)} characters, or others"
    assert caught.value.remedy == "send a UUID"


@pytest.mark.parametrize("key", ["a", "x" * 128, "0b6c8d2e-{:}/ %", " "])
def test_a_key_that_fits_is_taken_as_it_is(key):
    assert IdempotencyKey(key, "r").key == key


parts = st.lists(st.binary(max_size=6), max_size=4)


@given(parts, parts)
def test_requests_are_told_apart_by_their_parts_not_by_their_bytes(one, other):
    assert (request_digest(*one) == request_digest(*other)) == (one == other)


def test_a_request_digest_is_sha256_over_length_and_bytes_of_each_part():
    by_hand = (2).to_bytes(8, "big") + b"ab" + (0).to_bytes(8, "big")
    assert request_digest(b"ab", b"") == hashlib.sha256(by_hand).hexdigest()
