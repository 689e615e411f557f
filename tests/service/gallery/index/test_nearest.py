"""Searches are exact, whatever way the rows are scanned, and alone or in a batch the same."""

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.errors import InvalidEmbedding, ReidError
from service.gallery.filter_tree import EVERYTHING, Equals, Not
from service.gallery.index import candidates
from service.gallery.index.gallery_index import GalleryIndex
from tests.indexed_rows import (
    DIMENSION,
    NOTHING_KNOWN,
    NOW_S,
    cosine,
    crowd,
    filters,
    index_of,
    nearest_by_hand,
    rows_by_name,
    stored,
    vector,
    vectors,
)


def found(view, queries, chosen, k):
    hits = view.nearest(np.array(queries), view.select(chosen, now_s=NOW_S), k)
    return [[(hit.tracklet_id, hit.similarity) for hit in row] for row in hits]


@settings(max_examples=200, deadline=None)
@given(rows=rows_by_name, queries=st.lists(vectors, min_size=1, max_size=4), chosen=filters)
def test_every_search_finds_exactly_what_sorting_all_rows_finds(rows, queries, chosen):
    view = index_of(rows).view
    for k in (1, 3, 10**9):
        expected = [nearest_by_hand(rows, query, chosen, k) for query in queries]
        assert found(view, queries, chosen, k) == expected


ONE_CAMERA = Equals("camera", ("c3",))
HALF = Equals("camera", ("c0", "c1", "c2", "c3", "c4"))


@pytest.mark.parametrize("chosen", [EVERYTHING, Not(ONE_CAMERA), HALF, ONE_CAMERA])
@pytest.mark.parametrize("batch", [1, 2, 3, 64])
def test_each_way_of_scanning_is_exact(scanner, small_blocks, chosen, batch):
    rows = crowd(600)
    view = index_of(rows, segment_rows=(64, 256), scanner=scanner).view
    queries = [vector(100 + number) for number in range(batch)]
    expected = [nearest_by_hand(rows, query, chosen, 7) for query in queries]
    assert found(view, queries, chosen, 7) == expected


@pytest.mark.parametrize("chosen", [EVERYTHING, HALF, ONE_CAMERA])
def test_a_query_is_answered_alone_as_in_a_batch_of_64(scanner, small_blocks, chosen):
    view = index_of(crowd(600), segment_rows=(64, 256), scanner=scanner).view
    queries = [vector(200 + number) for number in range(64)]
    together = found(view, queries, chosen, 20)
    assert together == [found(view, [query], chosen, 20)[0] for query in queries]


def test_rows_that_differ_by_less_than_float32_can_tell_are_in_their_exact_order():
    # Of 512 values: the similarities differ in the last bits, the rough ones in others.
    dimension = 512
    rng = np.random.default_rng(3)
    query = vector(5, dimension)
    rows = {}
    for number in range(300):
        near = query.copy()
        near[rng.integers(dimension)] *= np.float32(1 + 2.0**-10)
        rows[f"t{number:03}"] = (near.astype(np.float16).astype(np.float32), NOTHING_KNOWN)
    index = GalleryIndex("gallery", dimension, segment_rows=(64, 128))
    for seq, (name, row) in enumerate(rows.items(), start=1):
        index.apply([stored(name, row, seq)], [], seq=seq, chain="c")
    for k in (1, 10, 100):
        assert found(index.view, [query], EVERYTHING, k) == [
            nearest_by_hand(rows, query, EVERYTHING, k)
        ]


def test_among_equal_rows_the_smallest_ids_win_however_many_there_are(monkeypatch):
    monkeypatch.setattr(candidates, "_MOST_UNDECIDED", 50)
    rows = {f"t{(number * 389) % 1000:03}": (vector(1), NOTHING_KNOWN) for number in range(1000)}
    view = index_of(rows, segment_rows=(64, 128)).view
    [hits] = found(view, [vector(1)], EVERYTHING, 5)
    assert hits == [(f"t{number:03}", 1.0) for number in range(5)]


def test_a_row_is_exactly_as_similar_to_itself_as_can_be():
    rows = crowd(50)
    view = index_of(rows).view
    for name, (embedding, _) in rows.items():
        assert dict(found(view, [embedding], EVERYTHING, 50)[0])[name] == 1.0


def test_the_length_of_a_query_does_not_matter():
    view = index_of(crowd(50)).view
    query = vector(7)
    assert found(view, [query * 4], EVERYTHING, 5) == found(view, [query], EVERYTHING, 5)


@pytest.mark.parametrize("values", [np.zeros(DIMENSION), np.full(DIMENSION, np.nan)])
def test_a_query_without_a_direction_is_refused(values):
    view = index_of(crowd(5)).view
    with pytest.raises(InvalidEmbedding, match="expected queries of finite values and a length"):
        found(view, [values.astype(np.float32)], EVERYTHING, 5)


@pytest.mark.parametrize("k", [0, -1])
def test_nothing_is_found_where_nothing_is_asked_for(k):
    assert found(index_of(crowd(5)).view, [vector(1)], EVERYTHING, k) == [[]]


def test_nothing_is_found_in_an_empty_gallery_or_under_a_filter_that_nothing_passes():
    assert found(index_of({}).view, [vector(1)] * 2, EVERYTHING, 5) == [[], []]
    nobody = Equals("camera", ("nobody",))
    assert found(index_of(crowd(5)).view, [vector(1)], nobody, 5) == [[]]


@pytest.mark.parametrize("chosen", [EVERYTHING, HALF, ONE_CAMERA])
def test_rough_similarities_are_within_their_bound(scanner, small_blocks, chosen):
    rows = crowd(600)
    view = index_of(rows, segment_rows=(64, 256), scanner=scanner).view
    selection, query = view.select(chosen, now_s=NOW_S), vector(9)
    rough = view.coarse(query, selection)
    exact = view.exact(query, selection.rows())
    assert np.abs(rough.astype(float) - exact).max() <= view.coarse_error
    names = view.ids(selection)
    assert exact.tolist() == [cosine(rows[name][0], query) for name in names]


def test_a_faiss_that_ignores_the_filter_is_found_out(scanner, small_blocks, monkeypatch):
    view = index_of(crowd(600), segment_rows=(64, 256), scanner=scanner).view
    everybody = faiss.IDSelectorAll()
    monkeypatch.setattr(faiss, "IDSelectorBitmap", lambda *_: everybody)
    with pytest.raises(ReidError, match="expected only rows that pass the filter from FAISS"):
        found(view, [vector(1)], HALF, 5)
