import hashlib
import json
import math
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.gallery.records import TrackletMetadata, check_embedding
from service.gallery.stores.row_codec import (
    DamagedRow,
    IntactRow,
    PackedBody,
    pack_body,
    pack_row,
    row_digest,
    unpack_row,
)
from tests.gallery_stores import unit

names = st.text(
    st.characters(exclude_categories=["C", "Z"], exclude_characters="/\ufffd"),
    min_size=1,
    max_size=200,
).filter(lambda name: name not in {".", ".."})
seconds = st.floats(-1e12, 1e12)
attributes = st.dictionaries(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    st.text(st.characters(exclude_categories=["Cs"]))
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.booleans(),
    max_size=4,
)
metadatas = st.builds(
    lambda identity, camera, ends, expires_s, known: TrackletMetadata(
        identity, camera, *sorted(ends), known, expires_s
    ),
    st.none() | names,
    st.none() | names,
    st.tuples(seconds, seconds),
    st.none() | seconds,
    attributes,
)
KNOWN = TrackletMetadata("p", "c", 1.0, 2.0, {"coat": "red", "tall": True}, 3.0)


def packed(name="a", seed=1, seq=7, metadata=KNOWN):
    return pack_row(name, pack_body(name, unit(seed, 8), metadata, enrolled_s=9.5), seq=seq)


@given(names, metadatas, st.integers(1, 2**64 - 1), seconds, st.integers(1, 40))
def test_what_is_packed_comes_back(name, metadata, seq, enrolled_s, dimension):
    embedding = unit(seq % 1000, dimension)
    body = pack_body(name, embedding, metadata, enrolled_s=enrolled_s)
    row = unpack_row(name, pack_row(name, body, seq=seq))
    assert isinstance(row, IntactRow)
    record = row.record
    assert (record.tracklet_id, record.metadata, record.seq) == (name, metadata, seq)
    assert record.enrolled_s == enrolled_s
    kinds = {key: type(value) for key, value in metadata.attributes.items()}
    assert {key: type(value) for key, value in record.metadata.attributes.items()} == kinds
    assert row.digest == row_digest(name, seq, body.checksum)
    assert record.embedding.dtype == np.float32
    assert record.embedding.shape == (dimension,)
    assert not record.embedding.flags.writeable


@given(st.integers(0, 10**6), st.sampled_from([1, 2, 128, 512, 768]))
def test_the_embedding_is_rounded_to_float16_once(seed, dimension):
    embedding = unit(seed, dimension)
    once = unpack_row("a", packed_embedding(embedding)).record.embedding
    assert np.array_equal(once, embedding.astype(np.float16).astype(np.float32))
    twice = unpack_row("a", packed_embedding(once)).record.embedding
    assert twice.tobytes() == once.tobytes()


def packed_embedding(embedding):
    return pack_row("a", pack_body("a", embedding, KNOWN, enrolled_s=0.0), seq=1)


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_rounding_moves_a_similarity_by_less_than_a_thousandth(one, other):
    stored, query = unit(one, 512), unit(other, 512)
    rounded = unpack_row("a", packed_embedding(stored)).record.embedding
    for asked in (query, stored):
        moved = float(rounded.astype(float) @ asked) / np.linalg.norm(rounded.astype(float))
        assert abs(moved - float(stored.astype(float) @ asked)) < 1e-3


def test_values_too_small_for_float16_come_back_as_zero_and_the_largest_as_one():
    embedding = check_embedding([1.0, 1e-9, -0.0, 0.0], 4)
    assert unpack_row("a", packed_embedding(embedding)).record.embedding.tolist() == [1, 0, 0, 0]


def test_every_flipped_bit_of_a_row_is_found():
    raw = packed()
    assert isinstance(unpack_row("a", raw), IntactRow)
    for position in range(8 * len(raw)):
        flipped = bytearray(raw)
        flipped[position // 8] ^= 1 << position % 8
        row = unpack_row("a", bytes(flipped))
        assert isinstance(row, DamagedRow), position
        assert row.tracklet_id == "a"


def test_a_row_cut_short_or_drawn_out_is_found():
    raw = packed()
    for length in range(len(raw)):
        assert isinstance(unpack_row("a", raw[:length]), DamagedRow), length
    for more in (b"\0", b"\0\0", raw):
        assert isinstance(unpack_row("a", raw + more), DamagedRow)


def test_a_row_under_another_name_is_found_even_with_that_name_in_its_head():
    assert unpack_row("b", packed("a")).reason == "the digest does not match"
    body = pack_body("a", unit(1, 8), KNOWN, enrolled_s=9.5)
    moved = unpack_row("b", pack_row("b", body, seq=7))
    assert moved == DamagedRow("b", "the row of another tracklet, or cut short")


def test_each_kind_of_damage_is_named():
    raw = packed()
    assert unpack_row("a", b"").reason == "error: not a row"
    assert unpack_row("a", b"\x02" + raw[1:]).reason == "version 2, where 1 is known"
    assert unpack_row("a", raw[:-1] + bytes([raw[-1] ^ 1])).reason == (
        "the checksum does not match"
    )
    assert unpack_row("a", raw[:1] + bytes([raw[1] ^ 1]) + raw[2:]).reason == (
        "the digest does not match"
    )


@pytest.mark.parametrize(
    "described",
    [
        b"not json at all",
        b"[]",
        b'["a"]',
        json.dumps(["a", 5, None, None, None, None, {}]).encode(),
        json.dumps(["a", "with/slash", None, None, None, None, {}]).encode(),
        json.dumps(["a", None, None, 2.0, 1.0, None, {}]).encode(),
        json.dumps(["a", None, None, None, None, None, []]).encode(),
        b"\xff\xfe",
        pytest.param(b"[" * 100_000, id="deep"),
    ],
)
def test_a_body_that_nobody_packed_is_damaged_even_with_a_true_checksum(described):
    raw = struct.pack("<dII", 1.0, len(described), 1) + described + b"\0\0"
    row = unpack_row("a", pack_row("a", PackedBody(raw, zlib.crc32(raw)), seq=1))
    assert isinstance(row, DamagedRow)


@given(names, st.integers(0, 2**63), st.integers(0, 2**32 - 1))
def test_the_digest_is_the_first_64_bits_of_a_hash_of_id_seq_and_checksum(name, seq, checksum):
    by_hand = hashlib.sha1(f"{name}\0{seq}\0{checksum}".encode()).hexdigest()[:16]
    assert row_digest(name, seq, checksum) == int(by_hand, 16)


def test_the_digest_depends_on_each_of_its_parts():
    digests = {
        row_digest("a", 1, 2),
        row_digest("b", 1, 2),
        row_digest("a", 2, 2),
        row_digest("a", 1, 3),
        row_digest("a", 12, 2),
        row_digest("a", 1, 22),
    }
    assert len(digests) == 6


def test_the_same_tracklet_packs_to_the_same_bytes_and_any_change_to_others():
    def body(**known):
        metadata = TrackletMetadata(**{"identity": "p", "camera": "c", **known})
        return pack_body("a", unit(1, 8), metadata, enrolled_s=9.5)

    assert body() == body()
    others = [
        body(identity="q"),
        body(camera="d"),
        body(start_s=1.0),
        body(end_s=1.0),
        body(expires_s=1.0),
        body(attributes={"n": 1}),
        body(attributes={"n": 1.0}),
        body(attributes={"n": True}),
        pack_body("a", unit(2, 8), TrackletMetadata("p", "c"), enrolled_s=9.5),
        pack_body("a", unit(1, 8), TrackletMetadata("p", "c"), enrolled_s=9.25),
    ]
    assert len({one.raw for one in [body(), *others]}) == 11
    assert all(one.checksum == zlib.crc32(one.raw) for one in others)


def test_times_of_any_size_stay_what_they_were():
    for moment in (5e-324, -1.7976931348623157e308, 0.1, math.pi * 1e9):
        metadata = TrackletMetadata(start_s=moment, expires_s=moment)
        row = unpack_row("a", packed(metadata=metadata))
        assert (row.record.metadata.start_s, row.record.metadata.expires_s) == (moment, moment)
