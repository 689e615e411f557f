import numpy as np
import pytest

from service.gallery.filter_tree import EVERYTHING
from service.gallery.index.canary import Canary

QUERY = np.ones(3, np.float32)


def heard(canary, count):
    for number in range(count):
        canary.hear(np.full(3, number, np.float32), EVERYTHING, 5)
    questions = iter(canary.next_question, None)
    return [int(question.query[0]) for question in questions]


@pytest.mark.parametrize(("share", "taken"), [(1.0, 30), (0.1, 3), (0.04, 2), (0.0, 0)])
def test_it_takes_its_share_of_the_searches_in_order(share, taken):
    assert len(heard(Canary(share=share, floor=0.9), 30)) == taken


def test_of_too_many_that_wait_the_oldest_are_forgotten():
    assert heard(Canary(share=1.0, floor=0.9), 100) == list(range(36, 100))


def test_a_question_is_a_copy_with_all_that_was_asked():
    canary = Canary(share=1.0, floor=0.9)
    query = QUERY.copy()
    canary.hear(query, EVERYTHING, 7)
    query[:] = 0
    question = canary.next_question()
    assert (question.k, question.tree) == (7, EVERYTHING)
    assert question.query.tolist() == QUERY.tolist()


def test_it_dies_when_recall_stays_below_the_floor_and_not_of_a_few_searches():
    canary = Canary(share=1.0, floor=0.9)
    assert canary.recall is None
    for _ in range(19):
        canary.record(0.5)
        assert canary.is_alive
    canary.record(0.5)
    assert not canary.is_alive
    assert canary.recall == 0.5


def test_it_lives_at_the_floor_and_remembers_the_last_fifty_only():
    canary = Canary(share=1.0, floor=0.75)
    for _ in range(30):
        canary.record(0.75)
    assert canary.is_alive
    for _ in range(50):
        canary.record(0.5)
    assert canary.recall == 0.5
    for _ in range(50):
        canary.record(1.0)
    assert canary.recall == 1.0
    assert canary.is_alive


def test_forgotten_queries_are_overwritten():
    canary = Canary(share=1.0, floor=0.9)
    canary.hear(QUERY, EVERYTHING, 5)
    kept = canary._questions[0].query
    canary.forget()
    assert canary.next_question() is None
    assert not kept.any()
