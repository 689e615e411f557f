import gc
import math
from dataclasses import replace

import faiss
import numpy as np
import pytest

from service.gallery.filter_tree import EVERYTHING, Equals, Not, Overlaps
from service.gallery.index.ann import AnnBase, GraphShape, build_base
from service.gallery.index.recall_gate import recall_of
from tests.crowds import base_of, crowd, crowd_index, questions
from tests.ranked_rows import intact

NOW_S = 1e6
FILTERS = [
    EVERYTHING,
    Equals("camera", ("c0",)),
    Not(Equals("camera", ("c1",))),
    Overlaps(500.0, 2000.0),
    Equals("identity", tuple(f"p{number}" for number in range(30))),
]


@pytest.fixture(scope="module")
def index():
    return crowd_index()


@pytest.fixture(scope="module")
def base(index):
    return base_of(index.view, index.view.select(EVERYTHING, now_s=NOW_S))


def names(hits):
    return [hit.tracklet_id for hit in hits]


@pytest.mark.parametrize("tree", FILTERS)
@pytest.mark.parametrize("k", [1, 10, 100])
def test_every_hit_obeys_the_filter_has_the_similarity_of_its_row_and_few_are_missed(
    index, base, tree, k
):
    view = index.view
    selection = view.select(tree, now_s=NOW_S)
    recalls = []
    for query in questions(20):
        hits = base.nearest(view, query, selection, k)
        true = view.nearest(query[None], selection, k)[0]
        assert len(hits) == len(true) == len(set(names(hits)))
        assert all(tree.matches(hit.tracklet_id, hit.metadata) for hit in hits)
        rows = np.array([view.row_of(name) for name in names(hits)])
        assert [hit.similarity for hit in hits] == view.exact(query, rows).tolist()
        assert hits == sorted(hits, key=lambda hit: (-hit.similarity, hit.tracklet_id))
        recalls.append(recall_of(hits, true))
    assert np.mean(recalls) >= 0.97


def changed(index, *, seq: int):
    """Every third row deleted, every third replaced by a stranger, and new ones added."""
    rows = crowd(3000)
    strangers = crowd(3000, seed=5)
    put = {name: strangers[name] for name in list(rows)[1::3]} | crowd(300, seed=6, first=5000)
    gone = list(rows)[::3]
    written = [intact(name, row, seq) for name, row in put.items()]
    index.apply(written, gone, seq=seq, chain="d")
    return {name: row for name, row in (rows | put).items() if name not in set(gone)}


def test_what_came_later_is_found_and_what_has_gone_is_not():
    index = crowd_index()
    base = base_of(index.view, index.view.select(EVERYTHING, now_s=NOW_S))
    living = changed(index, seq=3001)
    view = index.view
    selection = view.select(EVERYTHING, now_s=NOW_S)
    held, others = base.split(view, selection)
    assert held.count + others.count == len(living)
    recalls = []
    for query in questions(20):
        hits = base.nearest(view, query, selection, 20)
        true = view.nearest(query[None], selection, 20)[0]
        recalls.append(recall_of(hits, true))
        assert {hit.tracklet_id for hit in hits} <= set(living)
        for hit in hits:
            assert hit.metadata == living[hit.tracklet_id][1]
    assert np.mean(recalls) >= 0.97
    for name, (embedding, _) in list(living.items())[:50]:
        assert name in names(base.nearest(view, embedding, selection, 5))


def test_rows_added_after_it_was_built_are_all_looked_at(index, base):
    view = index.view
    others = base.split(view, view.select(EVERYTHING, now_s=NOW_S))[1]
    assert others.count == 0
    later = crowd_index(3000)
    small = base_of(later.view, later.view.select(Equals("camera", ("c0",)), now_s=NOW_S))
    selection = later.view.select(Not(Equals("camera", ("c0",))), now_s=NOW_S)
    assert small.split(later.view, selection)[0].count == 0
    for query in questions(5):
        hits = small.nearest(later.view, query, selection, 30)
        assert hits == later.view.nearest(query[None], selection, 30)[0]


def test_who_has_expired_is_not_found_although_the_graph_has_it():
    index = crowd_index(600)
    rows = crowd(600)
    expiring = {
        name: (embedding, replace(metadata, expires_s=NOW_S))
        for name, (embedding, metadata) in rows.items()
    }
    written = [intact(name, row, 601) for name, row in list(expiring.items())[:300]]
    index.apply(written, [], seq=601, chain="d")
    view = index.view
    base = base_of(view, view.select(EVERYTHING, now_s=NOW_S - 1))
    selection = view.select(EVERYTHING, now_s=NOW_S)
    assert selection.count == 300
    for query in questions(10):
        hits = base.nearest(view, query, selection, 50)
        assert {hit.tracklet_id for hit in hits} <= set(list(rows)[300:])


def test_another_index_of_the_same_numbers_is_not_taken_for_its_own(index, base):
    other = crowd_index(3000, seed=4).view
    held, others = base.split(other, other.select(EVERYTHING, now_s=NOW_S))
    assert (held.count, others.count) == (0, 3000)
    query = questions(1)[0]
    selection = other.select(EVERYTHING, now_s=NOW_S)
    assert base.nearest(other, query, selection, 10) == other.nearest(query[None], selection, 10)[0]


class FalseGraph:
    """What FAISS might answer: nothing, or rows that the filter forbids."""

    def __init__(self, graph, positions) -> None:
        self._graph, self._positions = graph, positions
        self.ntotal, self.storage, self.d = graph.ntotal, graph.storage, graph.d

    def search(self, queries, k, params):
        return None, np.resize(self._positions, (1, k))


def with_graph(base, graph):
    false = AnnBase(graph, 64)
    false._covered = base._covered
    return false


def test_a_graph_that_leads_nowhere_leaves_the_search_to_a_scan(index, base):
    nowhere = with_graph(base, FalseGraph(faiss_graph(index), np.array([-1])))
    selection = index.view.select(EVERYTHING, now_s=NOW_S)
    assert nowhere.nearest(index.view, questions(1)[0], selection, 5) is None


def faiss_graph(index):
    return base_of(index.view, index.view.select(EVERYTHING, now_s=NOW_S))._graph


def test_a_graph_that_ignores_the_filter_shows_nobody_whom_it_forbids(index, base):
    ignoring = with_graph(base, FalseGraph(faiss_graph(index), np.arange(3000)))
    selection = index.view.select(Equals("camera", ("c0",)), now_s=NOW_S)
    hits = ignoring.nearest(index.view, questions(1)[0], selection, 500)
    assert {hit.metadata.camera for hit in hits} == {"c0"}


@pytest.mark.parametrize("by_hand", [True, False])
def test_no_code_of_an_embedding_is_left_once_it_is_erased_or_let_go(by_hand):
    index = crowd_index(500)
    base = base_of(index.view, index.view.select(EVERYTHING, now_s=NOW_S))
    graph = base._graph
    codes = faiss.downcast_index(graph.storage).codes
    held = faiss.rev_swig_ptr(codes.data(), codes.size())
    assert held.any()
    if by_hand:
        base.erase()
    else:
        del base
        gc.collect()
    assert not held.any()


def test_an_erased_base_still_shows_only_true_rows_to_whoever_is_searching():
    index = crowd_index(500)
    selection = index.view.select(Equals("camera", ("c0",)), now_s=NOW_S)
    base = base_of(index.view, index.view.select(EVERYTHING, now_s=NOW_S))
    base.erase()
    for hit in base.nearest(index.view, questions(1)[0], selection, 5) or []:
        assert hit.metadata.camera == "c0"


def codes_of(base):
    codes = faiss.downcast_index(base._graph.storage).codes
    return faiss.rev_swig_ptr(codes.data(), codes.size()).reshape(base.rows, -1).copy()


def test_the_codes_of_rows_that_have_gone_are_overwritten_and_no_others():
    index = crowd_index()
    view = index.view
    base = base_of(view, view.select(EVERYTHING, now_s=NOW_S))
    before = codes_of(base)
    base.forget_dead(view)
    assert np.array_equal(codes_of(base), before)
    gone = list(crowd(3000))[::3]
    rows = [view.row_of(name) for name in gone]
    del view
    index.apply([], gone, seq=3001, chain="d")
    base.forget_dead(index.view)
    after = codes_of(base)
    # No segment was left before, and every slot is in the base: positions are row numbers.
    assert not after[rows].any()
    assert np.array_equal(np.delete(after, rows, axis=0), np.delete(before, rows, axis=0))
    selection = index.view.select(EVERYTHING, now_s=NOW_S)
    recalls = [
        recall_of(
            base.nearest(index.view, query, selection, 10),
            index.view.nearest(query[None], selection, 10)[0],
        )
        for query in questions(20)
    ]
    assert np.mean(recalls) >= 0.9


def test_the_codes_of_segments_that_are_no_more_are_overwritten():
    index = crowd_index(500)
    base = base_of(index.view, index.view.select(EVERYTHING, now_s=NOW_S))
    base.forget_dead(crowd_index(500, seed=1).view)
    assert not codes_of(base).any()


def test_rows_that_came_after_the_view_are_not_taken_for_dead_ones():
    index = crowd_index(300)
    before = index.view
    index.apply(
        [intact(name, row, 301) for name, row in crowd(2000, first=300).items()],
        [],
        seq=301,
        chain="d",
    )
    base = base_of(index.view, index.view.select(EVERYTHING, now_s=NOW_S))
    assert len(index.view.parts) > len(before.parts)
    codes = codes_of(base)
    base.forget_dead(before)
    assert np.array_equal(codes_of(base), codes)


def test_what_is_being_built_forgets_too():
    index = crowd_index()
    view = index.view
    begun = []
    rows = []
    gone = list(crowd(3000))[:5]

    def is_wanted():
        if begun[0].rows > 2000 and not rows:
            rows.extend(index.view.row_of(name) for name in gone)
            index.apply([], gone, seq=3001, chain="d")
            begun[0].forget_dead(index.view)
        return True

    base = build_base(
        view.select(EVERYTHING, now_s=NOW_S),
        [part.segment for part in view.parts],
        shape=GraphShape(),
        threads=1,
        is_wanted=is_wanted,
        begun=begun.append,
    )
    assert base is begun[0]
    codes = codes_of(base)
    assert len(rows) == 5
    assert not codes[rows].any()
    assert np.delete(codes, rows, axis=0).any(axis=1).all()


def test_it_keeps_no_segment_alive():
    index = crowd_index(500)
    view = index.view
    base = base_of(view, view.select(EVERYTHING, now_s=-math.inf))
    references = [covered.segment for covered in base._covered]
    assert all(reference() is not None for reference in references)
    del index, view
    gc.collect()
    assert all(reference() is None for reference in references)


def test_building_ends_when_it_is_no_longer_wanted():
    index = crowd_index(500)
    view = index.view
    asked = iter([True, False])
    built = build_base(
        view.select(EVERYTHING, now_s=NOW_S),
        [part.segment for part in view.parts],
        shape=GraphShape(),
        threads=1,
        is_wanted=lambda: next(asked),
    )
    assert built is None
