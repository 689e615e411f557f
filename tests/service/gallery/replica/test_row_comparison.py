"""Rows are alike when all that was enrolled is, to the last bit."""

from dataclasses import replace

import numpy as np
import pytest

from service.gallery.index.gallery_index import GalleryIndex
from service.gallery.replica.row_comparison import alike_in
from tests.gallery_stores import DIMENSION, upsert, write


@pytest.fixture
def rows(store, info):
    write(store, info.gallery_id, upsert("a", 1, camera="c", attributes={"n": 1}))
    write(store, info.gallery_id, upsert("b", 2))
    return store.rows(info.gallery_id, ["a", "b"])


@pytest.fixture
def view(info, rows):
    index = GalleryIndex(info.gallery_id, DIMENSION)
    index.apply(rows, [], seq=2, chain="x" * 40)
    return index.view


def test_equal_rows_are_alike_and_their_writes_are_told(view, rows):
    first, second = (row.record for row in rows)
    assert alike_in(view, [second, first]) == [2, 1]
    assert alike_in(view, [replace(first, seq=9)]) == [1]
    assert alike_in(view, []) == []


def test_a_row_that_is_not_held_is_not_alike(view, rows):
    unknown = replace(rows[0].record, tracklet_id="z")
    assert alike_in(view, [unknown, rows[1].record]) == [None, 2]
    assert alike_in(view, [unknown]) == [None]


def test_a_row_that_differs_in_anything_is_not_alike(view, rows):
    record = rows[0].record
    last_bit = record.embedding.copy()
    last_bit[-1] = np.nextafter(last_bit[-1], np.float32(9))
    for changed in (
        replace(record, embedding=last_bit),
        replace(record, enrolled_s=record.enrolled_s + 1),
        replace(record, metadata=replace(record.metadata, camera="d")),
        replace(record, metadata=replace(record.metadata, attributes={"n": 2})),
        replace(record, metadata=replace(record.metadata, expires_s=4e9)),
    ):
        assert alike_in(view, [changed]) == [None]
