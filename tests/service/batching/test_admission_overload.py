"""Admission before a model that works off a fixed number of items a second, in simulated time."""

import contextlib
from collections import deque

import pytest

from service.batching.admission import Admission
from service.batching.urgency import Priority, Urgency
from service.errors import Overloaded
from tests.fake_clock import FakeClock

ITEMS = 8
RATE = 100.0
LEARNING = 25
"""Answers of the first two seconds: all who come before any rate is known are let in."""
SEARCH, BULK = Priority.INTERACTIVE, Priority.BULK


class Service:
    """One queue a class; searches first, and each eighth answer bulk's while both wait."""

    def __init__(self, max_items):
        self.clock = FakeClock(0.0)
        self.admission = Admission(max_items, clock=self.clock)
        self.queues = {priority: deque() for priority in Priority}
        self.answers = []
        self.refusals = []

    def arrive(self, priority, deadline_s):
        until_s = self.clock.now_s + deadline_s
        stack = contextlib.ExitStack()
        try:
            stack.enter_context(self.admission.reserve(ITEMS, Urgency(priority, until_s)))
        except Overloaded as refused:
            self.refusals.append((priority, refused.retry_after_s, self.admission.held_items))
            return
        self.queues[priority].append((stack, until_s))

    def work(self, share):
        """Answer one request in `ITEMS / RATE` seconds."""
        order = [BULK, SEARCH] if share % 8 == 7 else [SEARCH, BULK]
        for priority in order:
            if self.queues[priority]:
                stack, until_s = self.queues[priority].popleft()
                self.clock.now_s += ITEMS / RATE
                self.answers.append((priority, self.clock.now_s <= until_s))
                stack.close()
                return
        self.clock.now_s += ITEMS / RATE


def overloaded(*, per_answer, deadline_s, max_items=2048, answers=1000):
    """So many requests of each class arrive in the time of one answer."""
    service = Service(max_items)
    arrived = dict.fromkeys(Priority, 0.0)
    for turn in range(answers):
        for priority, rate in per_answer.items():
            arrived[priority] += rate
            while arrived[priority] >= 1:
                service.arrive(priority, deadline_s)
                arrived[priority] -= 1
        service.work(turn)
    return service


@pytest.mark.parametrize("factor", [1.2, 2.0, 5.0])
@pytest.mark.parametrize("deadline_s", [0.5, 1.0, 5.0])
def test_everyone_who_is_let_in_is_answered_in_time_and_the_model_never_waits(factor, deadline_s):
    service = overloaded(per_answer={BULK: factor}, deadline_s=deadline_s)

    assert all(in_time for _, in_time in service.answers[LEARNING:])
    assert len(service.answers) >= 0.99 * 1000
    assert service.refusals


def test_below_capacity_nobody_is_refused():
    service = overloaded(per_answer={BULK: 0.5, SEARCH: 0.4}, deadline_s=1.0)

    assert not service.refusals
    assert all(in_time for _, in_time in service.answers)


def test_bulk_beside_twice_too_many_searches_gets_its_share_in_time():
    service = overloaded(per_answer={SEARCH: 2.0, BULK: 1.0}, deadline_s=5.0)
    late = [priority for priority, in_time in service.answers if not in_time]

    assert len(late) <= 0.02 * len(service.answers)
    bulk = sum(priority is BULK for priority, _ in service.answers)
    assert bulk == pytest.approx(1000 / 8, rel=0.1)


def test_searches_that_fill_their_room_leave_bulk_its_share():
    service = overloaded(per_answer={SEARCH: 2.0, BULK: 1.0}, deadline_s=60.0, max_items=512)

    assert all(in_time for _, in_time in service.answers)
    bulk = sum(priority is BULK for priority, _ in service.answers)
    assert bulk == pytest.approx(1000 / 8, rel=0.1)


def test_bulk_that_fills_its_room_refuses_no_search():
    service = overloaded(per_answer={BULK: 3.0, SEARCH: 0.2}, deadline_s=60.0, max_items=512)

    assert {priority for priority, _, _ in service.refusals} == {BULK}
    searches = [in_time for priority, in_time in service.answers if priority is SEARCH]
    assert len(searches) >= 199
    assert all(searches)


def test_retry_after_is_the_time_in_which_what_was_inside_is_answered():
    service = overloaded(per_answer={BULK: 2.0}, deadline_s=10.0)

    for _, retry_after_s, held_items in service.refusals[-100:]:
        assert retry_after_s == pytest.approx(held_items / RATE, abs=1.0)
