from dataclasses import replace
from functools import reduce
from operator import xor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.gallery.digest import record_digest, row_checksum, row_digest
from service.gallery.records import TrackletMetadata
from tests.gallery_rows import embedding_of, record_of

RECORD = record_of("a", embedding_of(1), TrackletMetadata("p", "c", 1, 2, {"shift": "day"}))


@pytest.mark.parametrize(
    "changed",
    [
        replace(RECORD, tracklet_id="b"),
        replace(RECORD, seq=2),
        replace(RECORD, enrolled_s=2.5),
        replace(RECORD, metadata=TrackletMetadata("q", "c", 1, 2, {"shift": "day"})),
        replace(RECORD, metadata=TrackletMetadata("p", "d", 1, 2, {"shift": "day"})),
        replace(RECORD, metadata=TrackletMetadata("p", "c", 0, 2, {"shift": "day"})),
        replace(RECORD, metadata=TrackletMetadata("p", "c", 1, 3, {"shift": "day"})),
        replace(RECORD, metadata=TrackletMetadata("p", "c", 1, 2, {"shift": "late"})),
    ],
)
def test_the_checksum_covers_every_field(changed):
    assert row_checksum(changed) != row_checksum(RECORD)
    assert record_digest(changed) != record_digest(RECORD)


@given(st.integers(0, RECORD.embedding.nbytes * 8 - 1))
def test_the_checksum_covers_every_bit_of_the_embedding(bit):
    flipped = np.frombuffer(RECORD.embedding.tobytes(), np.uint8).copy()
    flipped[bit // 8] ^= 1 << bit % 8
    damaged = replace(RECORD, embedding=flipped.view(np.float32))
    assert row_checksum(damaged) != row_checksum(RECORD)


def test_the_record_digest_is_the_row_digest_of_its_checksum():
    assert record_digest(RECORD) == row_digest("a", RECORD.seq, row_checksum(RECORD))


def test_the_digest_of_a_row_never_changes_between_releases():
    assert row_digest("a", 1, 2) == -8141008529195450824


@given(st.lists(st.tuples(st.text(max_size=3), st.integers(0, 9), st.integers(0, 9)), unique=True))
def test_a_set_has_one_digest_whatever_its_order_and_none_when_empty(rows):
    digests = [row_digest(*row) for row in rows]
    assert reduce(xor, digests, 0) == reduce(xor, reversed(digests), 0)
    assert reduce(xor, digests + digests, 0) == 0
    assert all(-(2**63) <= digest < 2**63 for digest in digests)
    assert len(set(digests)) == len(rows)
