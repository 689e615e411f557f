import numpy as np
import pytest

from service.gallery.filter_tree import EVERYTHING
from service.gallery.index import rescoring
from service.gallery.index.rescoring import RowReader
from tests.indexed_rows import DIMENSION, NOTHING_KNOWN, NOW_S, index_of, vector
from tests.ranked_rows import cosine

ROWS = {f"t{number:02}": (vector(number), NOTHING_KNOWN) for number in range(30)}


@pytest.fixture(scope="module")
def view():
    return index_of(ROWS, segment_rows=(4, 8)).view


@pytest.fixture(scope="module")
def reader(view):
    selection = view.select(EVERYTHING, now_s=NOW_S)
    return RowReader(view.parts, selection.offsets, DIMENSION)


def test_rows_of_several_segments_come_in_the_order_asked_for(reader):
    rows = np.array([29, 0, 3, 4, 0, 11])
    assert reader.ids(rows) == ["t29", "t00", "t03", "t04", "t00", "t11"]
    expected = [vector(number).tolist() for number in rows.tolist()]
    assert reader.embeddings(rows).tolist() == expected
    assert reader.ids(np.empty(0, np.int64)) == []


def test_a_similarity_is_the_cosine_whatever_else_is_asked_for(reader, monkeypatch):
    queries = np.array([vector(100), vector(101)])
    rng = np.random.default_rng(1)
    query_of, rows = rng.integers(0, 2, 50), rng.integers(0, 30, 50)
    expected = [
        cosine(vector(row), queries[query])
        for query, row in zip(query_of.tolist(), rows.tolist(), strict=True)
    ]
    assert reader.similarities(queries, query_of, rows).tolist() == expected
    monkeypatch.setattr(rescoring, "_PAIRS_AT_ONCE", 7)
    assert reader.similarities(queries, query_of, rows).tolist() == expected
    alone = reader.similarities(queries[1:], np.array([0]), np.array([5]))
    assert alone.tolist() == [cosine(vector(5), queries[1])]


def test_a_row_is_exactly_as_similar_to_itself_as_can_be_and_length_does_not_matter(reader):
    queries = np.array([vector(3), 7 * vector(3)])
    assert reader.similarities(queries, np.array([0, 1]), np.array([3, 3])).tolist() == [1, 1]
