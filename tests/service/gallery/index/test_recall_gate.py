import math

import pytest

from service.gallery.filter_tree import EVERYTHING
from service.gallery.index.ann import AnnBase, GraphShape, narrowed
from service.gallery.index.recall_gate import Recall, measured_recall, recall_of
from service.gallery.index.view import Hit
from service.gallery.records import TrackletMetadata
from tests.crowds import base_of, crowd_index

USELESS = GraphShape(links=2, build_effort=1, search_effort=1)


def hits(*similarities):
    return [
        Hit(f"t{number}", TrackletMetadata(), each, 1) for number, each in enumerate(similarities)
    ]


@pytest.mark.parametrize(
    ("found", "true", "recall"),
    [
        ((0.9, 0.8), (0.9, 0.8), 1.0),
        ((0.9, 0.7), (0.9, 0.8), 0.5),
        ((0.9, 0.8), (0.9, 0.8, 0.8, 0.7), 0.5),
        ((), (0.9,), 0.0),
        ((), (), 1.0),
    ],
)
def test_recall_is_the_share_of_true_neighbours_found(found, true, recall):
    assert recall_of(hits(*found), hits(*true)) == recall


def test_equally_similar_rows_stand_for_one_another_and_no_answer_finds_nothing():
    found = [Hit("other", TrackletMetadata(), 0.8, 1)]
    assert recall_of(found, hits(0.8)) == 1.0
    assert recall_of(None, hits(0.8)) == 0.0


def judged(index, shape=None, *, view=None, is_wanted=lambda: True, least_share=0.1):
    """Recall of a base that misses every twentieth row."""
    selection = index.view.select(EVERYTHING, now_s=-math.inf)
    masks = [mask.copy() for mask in selection.masks]
    for mask in masks:
        mask[::20] = False
    base = base_of(index.view, narrowed(selection, masks), shape)
    look = view or (lambda: index.view)
    return measured_recall(base, look, least_share=least_share, is_wanted=is_wanted)


@pytest.mark.parametrize(("shape", "good"), [(GraphShape(), True), (USELESS, False)])
def test_a_good_base_finds_nearly_all_and_a_useless_one_is_found_out(shape, good):
    assert (judged(crowd_index(), shape).least >= 0.95) == good


def test_a_base_that_nobody_can_ask_is_not_trusted():
    index = crowd_index(300)
    base = base_of(index.view, index.view.select(EVERYTHING, now_s=-math.inf))
    recall = measured_recall(base, lambda: index.view, least_share=0.1, is_wanted=lambda: True)
    assert recall == Recall(0.0, 0.0)


def test_it_asks_as_many_as_it_may_and_looks_at_the_newest_view_before_each_few(monkeypatch):
    index = crowd_index(3000)
    looked, asked = [], []
    before = AnnBase.nearest

    def counted(base, view, query, selection, k):
        asked.append(selection.count)
        return before(base, view, query, selection, k)

    def view():
        looked.append(index.view)
        return index.view

    monkeypatch.setattr(AnnBase, "nearest", counted)
    judged(index, view=view)
    assert len(looked) == 16
    # 152 rows are not in the base; each asks for all rows of the base and for a tenth of them.
    assert len(asked) == 2 * 152
    assert asked.count(3000 - 152) == 152
    assert all(200 < count < 370 for count in asked if count != 3000 - 152)


def test_it_ends_when_it_is_no_longer_wanted():
    wanted = iter([True, True, False])
    assert judged(crowd_index(300), is_wanted=lambda: next(wanted)) is None


def test_narrow_searches_count_by_themselves():
    assert Recall(1.0, 0.5).least == 0.5
    assert Recall(0.4, 0.5).least == 0.4
