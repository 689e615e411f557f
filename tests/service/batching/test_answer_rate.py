import pytest

from service.batching.answer_rate import AnswerRate
from service.batching.urgency import Priority
from tests.fake_clock import FakeClock


@pytest.fixture
def clock():
    return FakeClock()


def test_nothing_is_known_before_anything_was_answered(clock):
    rate = AnswerRate(clock)
    clock.now_s += 1
    rate.advance(busy=True)

    assert rate.per_s() is None


def test_items_over_busy_seconds(clock):
    rate = AnswerRate(clock)
    clock.now_s += 2
    rate.answered(30, Priority.BULK)
    rate.answered(10, Priority.INTERACTIVE)

    assert rate.per_s() == 20
    assert rate.per_s(Priority.INTERACTIVE) == 5


def test_idle_seconds_change_nothing(clock):
    rate = AnswerRate(clock)
    clock.now_s += 2
    rate.answered(30, Priority.BULK)
    clock.now_s += 1000
    rate.advance(busy=False)

    assert rate.per_s() == 15


def test_busy_seconds_without_an_answer_lower_it(clock):
    rate = AnswerRate(clock)
    clock.now_s += 2
    rate.answered(30, Priority.BULK)
    clock.now_s += 20
    rate.advance(busy=True)

    assert rate.per_s() < 0.1


def test_a_steady_rate_is_found_whatever_was_before(clock):
    rate = AnswerRate(clock)
    clock.now_s += 1
    rate.answered(10_000, Priority.BULK)
    for _ in range(400):
        clock.now_s += 0.1
        rate.answered(10, Priority.BULK)

    assert rate.per_s() == pytest.approx(100, rel=0.05)
