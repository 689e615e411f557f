import asyncio
import functools
import threading
import time

import numpy as np
import pytest

from service.batching.observer import Unobserved
from service.batching.options import BatcherOptions
from service.batching.request import Request
from service.batching.urgency import PATIENT
from service.batching.work_queue import WorkQueue
from service.errors import NotReady

LONG_S = 10


class Taker:
    """A lane that does nothing with what it takes."""

    def __init__(self, *, running=False):
        self.running = running
        self.ahead = False
        self.computed = []


@pytest.fixture
def ask():
    loop = asyncio.new_event_loop()

    def ask(items):
        frames = np.zeros((items, 1, 1, 3), np.uint8)
        return Request(frames, PATIENT, loop.create_future(), loop, 0.0)

    yield ask
    loop.close()


@pytest.fixture
def queue():
    made = WorkQueue(BatcherOptions((1, 2, 4)), Unobserved(), time.monotonic)
    made.open()
    return made


def sizes(pieces):
    return [len(piece.items) for piece in pieces]


def test_nothing_is_taken_before_it_is_open(ask):
    queue = WorkQueue(BatcherOptions((1,)), Unobserved(), time.monotonic)

    with pytest.raises(NotReady):
        queue.put(ask(1))
    assert queue.take() is None


def test_a_full_batch_is_taken_ahead_only_while_one_is_computed_and_none_is_ahead(queue, ask):
    idle, running = Taker(), Taker(running=True)
    queue.put(ask(9))

    assert queue.take_ahead(idle) == []
    assert sizes(queue.take_ahead(running)) == [4]
    assert running.ahead
    assert queue.take_ahead(running) == []


def test_nothing_is_taken_ahead_of_a_batch_that_is_still_put_together(queue, ask):
    lane = Taker()
    queue.put(ask(9))
    queue.take()

    assert queue.take_ahead(lane) == []
    queue.begin(lane)
    assert sizes(queue.take_ahead(lane)) == [4]


def test_what_could_still_grow_is_not_taken_ahead(queue, ask):
    queue.put(ask(3))

    assert queue.take_ahead(Taker(running=True)) == []


def test_an_idle_lane_comes_before_those_that_take_ahead(queue, ask):
    def take_into(got):
        got.append(queue.take())

    for _ in range(50):
        got = []
        take = functools.partial(take_into, got)
        idle = threading.Thread(target=take, daemon=True)
        idle.start()
        while not queue._idle:
            time.sleep(0.0005)
        queue.put(ask(4))

        assert queue.take_ahead(Taker(running=True)) == []
        idle.join(LONG_S)
        assert sizes(got[0]) == [4]


def test_a_lane_goes_on_with_what_was_taken_ahead_and_is_idle_without(queue, ask):
    lane = Taker(running=True)
    queue.put(ask(4))
    queue.take_ahead(lane)

    assert queue.go_on(lane)
    assert (lane.running, lane.ahead) == (True, False)
    assert not queue.go_on(lane)
    assert not lane.running


def test_a_helper_ends_when_its_lane_has_ended_after_the_queue_was_closed(queue):
    lane = Taker(running=True)
    ended = threading.Event()

    def help_on():
        while queue.wait_to_help(lane):
            pass
        ended.set()

    threading.Thread(target=help_on, daemon=True).start()
    queue.close()
    assert not ended.wait(0.05)
    queue.stop_running(lane)

    assert ended.wait(LONG_S)


def test_closing_gives_back_what_waits_and_wakes_who_waits(queue, ask):
    request = ask(2)
    queue.put(request)

    assert queue.close() == [request]
    assert queue.take() is None
