"""What is frozen and thawed is the same gallery, and can be written to as the other could."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.errors import InvalidInput
from service.gallery.filter_tree import EVERYTHING
from service.gallery.index.frozen import FrozenRows, freeze, frozen_embeddings, thaw
from service.gallery.index.row_columns import RowColumns
from service.gallery.index.segment import id_hash
from service.gallery.records import TrackletMetadata
from tests.indexed_rows import (
    DIMENSION,
    NOW_S,
    filters,
    index_of,
    names,
    rows_by_name,
    stored,
    vector,
)


def copied(frozen: FrozenRows) -> FrozenRows:
    """As it comes from a file: other arrays, read-only."""
    columns = {name: array.copy() for name, array in frozen.columns.arrays().items()}
    for array in columns.values():
        array.flags.writeable = False
    return dataclasses.replace(frozen, columns=RowColumns.of(columns))


def thawed(view, pieces=1, segment_rows=(4, 8)):
    embeddings = np.concatenate(
        [np.empty((0, view.dimension), np.float16), *frozen_embeddings(view)]
    )
    return thaw(copied(freeze(view)), np.array_split(embeddings, pieces), segment_rows=segment_rows)


def described(view, chosen=EVERYTHING):
    """Everything that can be asked of a view, by id."""
    rows = view.select(chosen, now_s=NOW_S).rows()
    heads = sorted(view.heads(rows), key=lambda head: head.tracklet_id)
    at = view.rows_of([head.tracklet_id for head in heads])
    return heads, view.embeddings(at).tolist(), view.digest_of(rows)


@settings(max_examples=100, deadline=None)
@given(rows=rows_by_name, gone=st.sets(names), chosen=filters, pieces=st.integers(1, 4))
def test_a_thawed_gallery_is_the_one_that_was_frozen(rows, gone, chosen, pieces):
    index = index_of(rows)
    index.apply([], sorted(gone), seq=50, chain="c")
    view, again = index.view, thawed(index.view, pieces).view
    assert again.state == view.state
    assert described(again) == described(view)
    assert described(again, chosen) == described(view, chosen)
    query = vector(3)[None]
    assert again.nearest(query, again.select(chosen, now_s=NOW_S), 5) == view.nearest(
        query, view.select(chosen, now_s=NOW_S), 5
    )
    for name in gone | set(rows):
        assert again.record_head(name) == view.record_head(name)


@settings(max_examples=50, deadline=None)
@given(rows=rows_by_name, newer=rows_by_name, gone=st.sets(names))
def test_a_thawed_gallery_goes_on_like_the_other(rows, newer, gone):
    index = index_of(rows)
    again = thawed(index.view)
    written = [stored(name, row, 100) for name, row in newer.items()]
    for one in (index, again):
        one.apply(written, sorted(gone - set(newer)), seq=100, chain="c")
        one.apply([], sorted(newer)[:2], seq=101, chain="d")
    assert again.view.state == index.view.state
    assert described(again.view) == described(index.view)
    assert again.view.page(EVERYTHING, after=None, limit=99, now_s=NOW_S) == index.view.page(
        EVERYTHING, after=None, limit=99, now_s=NOW_S
    )
    assert again.zero_dead_slots()


def test_what_is_frozen_keeps_nothing_of_rows_that_are_gone():
    rows = {
        f"t{number}": (vector(number), TrackletMetadata(f"p{number}", attributes={"x": number}))
        for number in range(10)
    }
    index = index_of(rows)
    index.apply([], ["t4"], seq=50, chain="c")
    frozen = freeze(index.view)
    assert len(frozen.columns.seq) == 9
    assert b"t4" not in frozen.ids
    assert '"p4"' not in frozen.values
    assert sum(len(chunk) for chunk in frozen_embeddings(index.view)) == 9


def ten_rows():
    return index_of(
        {f"t{number}": (vector(number), TrackletMetadata()) for number in range(10)}
    ).view


@pytest.mark.parametrize(
    ("change", "received"),
    [
        (lambda frozen, _: (frozen, []), "0 embeddings for 10 rows"),
        (lambda frozen, all_of: (frozen, [all_of[:9]]), "9 embeddings for 10 rows"),
        (
            lambda frozen, all_of: (frozen, [all_of, all_of[:1]]),
            r"embeddings of shape \[1, 8\] after 10 of 10",
        ),
        (
            lambda frozen, all_of: (frozen, [all_of[:, :5]]),
            r"embeddings of shape \[10, 5\] after 0 of 10",
        ),
        (
            lambda frozen, all_of: (
                dataclasses.replace(
                    frozen, state=dataclasses.replace(frozen.state, digest=frozen.state.digest ^ 1)
                ),
                [all_of],
            ),
            "10 rows, or others than those",
        ),
        (
            lambda frozen, all_of: (
                dataclasses.replace(frozen, state=dataclasses.replace(frozen.state, tracklets=11)),
                [all_of],
            ),
            "10 rows, or others than those",
        ),
    ],
)
def test_parts_that_do_not_belong_together_are_refused(change, received):
    view = ten_rows()
    frozen, embeddings = change(
        freeze(view), next(iter([np.concatenate([*frozen_embeddings(view)])]))
    )
    with pytest.raises(InvalidInput, match=f"expected frozen rows of the number.*{received}"):
        thaw(frozen, embeddings, segment_rows=(4, 8))


def test_columns_without_a_field_are_refused():
    arrays = freeze(ten_rows()).columns.arrays()
    del arrays["digest"]
    with pytest.raises(KeyError, match="digest"):
        RowColumns.of(arrays)


def test_embeddings_lose_no_bit():
    view = ten_rows()
    again = thawed(view).view
    rows = np.arange(10)
    assert again.embeddings(rows).tobytes() == view.embeddings(rows).tobytes()
    assert again.dimension == DIMENSION


def test_ids_of_the_same_hash_are_told_apart():
    frozen = copied(freeze(ten_rows()))
    same = np.full(10, id_hash("t3"), np.uint64)
    columns = dataclasses.replace(frozen.columns, id_hash=same)
    embeddings = frozen_embeddings(ten_rows())
    view = thaw(dataclasses.replace(frozen, columns=columns), embeddings).view
    assert view.ids_of(view.rows_of(["t3"])) == ["t3"]
