import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import StoreUnavailable
from service.gallery.filters import EVERYTHING
from service.gallery.records import TrackletMetadata
from service.gallery.sqlite_rows import COLUMNS, condition_of, record_of, row_of
from tests.gallery_rows import DIMENSION, embedding_of, embeddings, filters, metadatas
from tests.gallery_rows import record_of as make_record

RECORD = make_record("a", embedding_of(1), TrackletMetadata("p", "c", 1, 2, {"x": -0.0}), seq=7)
NAMES = COLUMNS.split(", ")


@given(embeddings, metadatas, st.integers(1, 2**40))
def test_a_record_comes_back_from_its_row(embedding, metadata, seq):
    record = make_record("a", embedding, metadata, seq=seq)
    read = record_of(row_of(record), DIMENSION)
    assert read.embedding.tobytes() == embedding.tobytes()
    assert (read.tracklet_id, read.metadata) == ("a", metadata)
    assert (read.seq, read.enrolled_s) == (seq, record.enrolled_s)


def test_the_embedding_is_stored_as_little_endian_float32():
    assert row_of(RECORD)[-1] == RECORD.embedding.astype("<f4").tobytes()


def changed(name, value):
    row = list(row_of(RECORD))
    row[NAMES.index(name)] = value
    return tuple(row)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tracklet_id", "b"),
        ("identity", None),
        ("camera", "d"),
        ("camera", "a/b"),
        ("start_s", 0.5),
        ("start_s", 9.0),
        ("end_s", 3.0),
        ("attributes", "{}"),
        ("attributes", "{"),
        ("attributes", "[1]"),
        ("attributes", None),
        ("enrolled_s", 2.0),
        ("checksum", 1),
        ("embedding", b""),
        ("embedding", b"123"),
        ("embedding", None),
        ("embedding", embedding_of(2).tobytes()),
    ],
)
def test_a_damaged_row_is_named_by_its_write_and_by_nothing_personal(name, value):
    with pytest.raises(StoreUnavailable) as caught:
        record_of(changed(name, value), DIMENSION)
    assert caught.value.expected == "the row of write 7 as it was written"
    assert caught.value.received == (
        "one whose checksum does not match: the database file is damaged"
    )
    assert "backup" in caught.value.remedy


def test_a_row_of_another_dimension_is_damaged():
    with pytest.raises(StoreUnavailable, match="write 7"):
        record_of(row_of(RECORD), DIMENSION + 1)


def test_every_bit_of_a_stored_embedding_is_covered():
    raw = np.frombuffer(row_of(RECORD)[-1], np.uint8)
    for bit in range(len(raw) * 8):
        flipped = raw.copy()
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(StoreUnavailable):
            record_of(changed("embedding", flipped.tobytes()), DIMENSION)


@given(filters)
def test_a_condition_binds_every_value(chosen):
    condition = condition_of(chosen)
    assert condition.clause.count("?") == len(condition.values)


def test_no_condition_lets_everything_pass():
    assert condition_of(EVERYTHING).clause == "1"
