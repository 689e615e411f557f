"""Whatever order and however rough the rows come in, the k nearest are exact."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.gallery.index import candidates as module
from service.gallery.index.candidates import NO_PAIRS, Candidates, Pairs

ERROR = 0.25


class Table:
    """Exact similarities [b, n] in place of rows; the id of a row is the reverse of its number."""

    def __init__(self, exact):
        self.exact = np.array(exact, np.float32)

    def similarities(self, queries, query_of, rows):
        return self.exact[query_of, rows]

    def ids(self, rows):
        return [f"{1000 - row}" for row in rows.tolist()]

    def nearest(self, query, k):
        """By hand: highest first, then smallest id."""
        rows = range(self.exact.shape[1])
        return sorted(rows, key=lambda row: (-self.exact[query, row], f"{1000 - row}"))[:k]


def pairs_of(similarities, rows):
    """Pairs of each query with these rows, of similarities [b, n]."""
    query_of, column = np.divmod(np.arange(similarities[:, rows].size), len(rows))
    rows = np.array(rows, np.int64)[column]
    return Pairs(query_of, rows, similarities[query_of, rows])


tables = st.integers(1, 3).flatmap(
    lambda queries: st.integers(1, 12).flatmap(
        lambda rows: st.lists(
            st.lists(st.sampled_from([-0.5, 0.0, 0.5, 0.6, 1.0]), min_size=rows, max_size=rows),
            min_size=queries,
            max_size=queries,
        )
    )
)


@pytest.fixture(params=[0, 3, 10**6])
def _memory(request, monkeypatch):
    """From deciding after every addition to deciding once."""
    monkeypatch.setattr(module, "_MOST_UNDECIDED", request.param)
    monkeypatch.setattr(module, "_FEW_FRESH", request.param)


@pytest.mark.usefixtures("_memory")
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(exact=tables, k=st.integers(1, 5), data=st.data())
def test_the_k_nearest_are_exact(exact, k, data):
    table = Table(exact)
    count = table.exact.shape[1]
    wrong = st.sampled_from([-ERROR, 0.0, ERROR])
    noise = data.draw(st.lists(wrong, min_size=table.exact.size, max_size=table.exact.size))
    rough = table.exact + np.array(noise, np.float32).reshape(table.exact.shape)
    candidates = Candidates(np.zeros((len(exact), 1), np.float32), k, table, ERROR)
    order = data.draw(st.permutations(range(count)))
    for start in range(0, count, 4):
        found = pairs_of(rough, order[start : start + 4])
        reached = found.similarities >= candidates.current_floors()[found.query_of]
        candidates.add(found.taken(reached))
    for query, nearest in enumerate(candidates.nearest()):
        assert nearest.rows.tolist() == table.nearest(query, k)
        assert nearest.similarities.tolist() == table.exact[query, nearest.rows].tolist()


def test_floors_only_rise_and_never_above_what_an_exact_answer_needs():
    table = Table([[0.9, 0.8, 0.7, 0.1]])
    candidates = Candidates(np.zeros((1, 1), np.float32), 2, table, 0.0625)
    assert candidates.floors.tolist() == [-np.inf]
    candidates.add(pairs_of(table.exact, [2, 3]))
    first = candidates.current_floors()[0]
    assert first < np.float32(0.1) - 0.125
    with_others = candidates.floors_with(table.exact[:, :2])[0]
    assert with_others == first or with_others < np.float32(0.8) - 0.125
    candidates.add(NO_PAIRS)
    assert candidates.current_floors()[0] == first


def test_with_fewer_rows_than_wanted_there_is_no_floor():
    table = Table([[0.9, 0.8]])
    candidates = Candidates(np.zeros((1, 1), np.float32), 3, table, 0.0)
    candidates.add(pairs_of(table.exact, [0, 1]))
    assert candidates.floors_with(table.exact).tolist() == [-np.inf]
    assert [one.rows.tolist() for one in candidates.nearest()] == [[0, 1]]


def test_pairs_in_order_are_the_same_pairs():
    pairs = Pairs(np.array([1, 0, 1]), np.array([5, 6, 7]), np.array([0.1, 0.2, 0.3], np.float32))
    ordered = pairs.nearest_first()
    assert (ordered.query_of.tolist(), ordered.rows.tolist()) == ([0, 1, 1], [6, 7, 5])
    assert len(ordered.with_others(NO_PAIRS)) == len(NO_PAIRS.with_others(pairs)) == 3
