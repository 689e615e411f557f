import math

import pytest

from service.gallery.filter_tree import EVERYTHING
from service.gallery.index.ann import GraphShape
from service.gallery.index.recall_gate import Recall, measured_recall, recall_of
from service.gallery.index.view import Hit
from service.gallery.records import TrackletMetadata
from tests.crowds import base_of, crowd_index, questions

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


@pytest.mark.parametrize(("shape", "good"), [(GraphShape(), True), (USELESS, False)])
def test_a_good_base_finds_nearly_all_and_a_useless_one_is_found_out(shape, good):
    index = crowd_index()
    base = base_of(index.view, index.view.select(EVERYTHING, now_s=-math.inf), shape)
    recall = measured_recall(base, lambda: index.view, questions(40), least_share=0.1)
    assert (recall.least >= 0.95) == good


def test_narrow_searches_count_by_themselves():
    assert Recall(1.0, 0.5).least == 0.5
    assert Recall(0.4, 0.5).least == 0.4


def test_every_batch_looks_at_the_newest_view():
    index = crowd_index(300)
    base = base_of(index.view, index.view.select(EVERYTHING, now_s=-math.inf))
    looked = []

    def view():
        looked.append(index.view)
        return index.view

    measured_recall(base, view, questions(40), least_share=0.5)
    assert len(looked) == 3
