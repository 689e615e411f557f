import asyncio

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.batching.request import Request
from service.batching.urgency import PATIENT, Priority, Urgency
from service.batching.waiting_items import WaitingItems

SEARCH = Urgency(Priority.INTERACTIVE)


@pytest.fixture(scope="module")
def loop():
    made = asyncio.new_event_loop()
    yield made
    made.close()


@pytest.fixture(scope="module")
def ask(loop):
    def ask(items, urgency=PATIENT, came_s=0.0):
        frames = np.zeros((items, 1, 1, 3), np.uint8)
        return Request(frames, urgency, loop.create_future(), loop, came_s)

    return ask


def waiting_with(*requests, bulk_share=0.125):
    waiting = WaitingItems(bulk_share)
    for request in requests:
        waiting.add(request)
    return waiting


def taken(waiting, items, now_s=0.0):
    """Which request gave how many items, in order."""
    pieces = waiting.take(items, now_s).pieces
    return [(piece.request, len(piece.items)) for piece in pieces]


class TestOrder:
    def test_oldest_first_and_split_where_the_batch_ends(self, ask):
        first, second = ask(5), ask(5)
        waiting = waiting_with(first, second)

        assert taken(waiting, 8) == [(first, 5), (second, 3)]
        assert waiting.live == 2
        assert taken(waiting, 8) == [(second, 2)]
        assert waiting.live == 0

    def test_pieces_say_where_they_begin(self, ask):
        request = ask(10)
        waiting = waiting_with(request)

        starts = [piece.start for _ in range(3) for piece in waiting.take(4, 0.0).pieces]

        assert starts == [0, 4, 8]

    def test_searches_go_before_bulk_that_came_earlier(self, ask):
        bulk, search = ask(4), ask(4, SEARCH)

        assert taken(waiting_with(bulk, search), 4) == [(search, 4)]

    def test_what_searches_leave_is_bulks(self, ask):
        bulk, search = ask(20), ask(3, SEARCH)

        assert taken(waiting_with(bulk, search), 8) == [(search, 3), (bulk, 5)]

    def test_an_eighth_of_each_batch_is_bulks_while_searches_wait(self, ask):
        bulk, search = ask(100), ask(100, SEARCH)
        waiting = waiting_with(bulk, search)

        assert taken(waiting, 8) == [(search, 7), (bulk, 1)]
        assert taken(waiting, 32) == [(search, 28), (bulk, 4)]

    def test_small_batches_owe_bulk_the_fraction(self, ask):
        bulk, search = ask(100), ask(100, SEARCH)
        waiting = waiting_with(bulk, search)

        given_to_bulk = [
            sum(items for request, items in taken(waiting, 1) if request is bulk) for _ in range(80)
        ]

        assert sum(given_to_bulk) == 10

    def test_what_bulk_took_of_its_own_is_no_debt(self, ask):
        waiting = waiting_with(ask(4), ask(1, SEARCH))
        taken(waiting, 5)
        search, bulk = ask(100, SEARCH), ask(100)
        waiting.add(search)
        waiting.add(bulk)

        assert taken(waiting, 7) == [(search, 7)]

    @given(st.lists(st.tuples(st.integers(1, 9), st.booleans()), max_size=20), st.integers(1, 9))
    def test_every_item_is_taken_once_and_batches_are_full_until_the_last(self, ask, calls, size):
        requests = [ask(items, SEARCH if search else PATIENT) for items, search in calls]
        waiting = waiting_with(*requests)
        sizes, places = [], []
        while waiting.live:
            pieces = waiting.take(size, 0.0).pieces
            sizes.append(sum(len(piece.items) for piece in pieces))
            for piece in pieces:
                places += [
                    (id(piece.request), piece.start + row) for row in range(len(piece.items))
                ]

        assert all(taken == size for taken in sizes[:-1])
        assert sorted(places) == sorted(
            (id(request), row) for request in requests for row in range(request.count)
        )


class TestDead:
    def test_an_abandoned_request_is_skipped_counted_and_its_pixels_given_up(self, ask):
        dead, live = ask(5), ask(2)
        waiting = waiting_with(dead, live)
        waiting.abandon(dead, "cancelled")

        assert waiting.live == 2
        assert dead.items.size == 0
        batch = waiting.take(8, 0.0)
        assert [(piece.request, len(piece.items)) for piece in batch.pieces] == [(live, 2)]
        assert batch.dropped == {"cancelled": 5}

    def test_only_what_was_not_yet_computed_counts_as_dropped(self, ask):
        split = ask(10)
        waiting = waiting_with(split)
        waiting.take(4, 0.0)
        waiting.abandon(split, "cancelled")

        assert waiting.take(0, 0.0).dropped == {"cancelled": 6}

    def test_abandoning_twice_counts_once(self, ask):
        dead = ask(5)
        waiting = waiting_with(dead, ask(3))
        waiting.abandon(dead, "cancelled")
        waiting.abandon(dead, "expired")

        assert waiting.live == 3
        assert waiting.take(8, 0.0).dropped == {"cancelled": 5}

    def test_what_is_left_of_a_failed_request_is_not_counted(self, ask):
        failed = ask(5)
        waiting = waiting_with(failed)
        waiting.abandon(failed, None)

        assert waiting.take(8, 0.0).dropped == {}

    def test_an_expired_request_is_told_counted_and_not_computed(self, ask):
        late, live = ask(5, Urgency(until_s=10.0)), ask(2, Urgency(until_s=10.1))
        waiting = waiting_with(late, live)

        batch = waiting.take(8, 10.0)

        assert [piece.request for piece in batch.pieces] == [live]
        assert batch.expired == [late]
        assert batch.dropped == {"expired": 5}

    def test_room_of_expired_bulk_goes_to_searches(self, ask):
        late, search = ask(50, Urgency(until_s=10.0)), ask(50, SEARCH)

        batch = taken(waiting_with(late, search), 8, now_s=11.0)

        assert {request for request, _ in batch} == {search}
        assert sum(items for _, items in batch) == 8

    def test_clearing_gives_back_those_who_still_wait(self, ask):
        dead, live = ask(5), ask(2, SEARCH)
        waiting = waiting_with(dead, live)
        waiting.abandon(dead, "cancelled")

        assert waiting.clear() == [live]
        assert waiting.live == 0
        assert waiting.take(8, 0.0).pieces == []


def test_the_oldest_of_both_classes_is_known(ask):
    waiting = waiting_with(ask(1, PATIENT, 3.0), ask(1, SEARCH, 2.0), ask(1, SEARCH, 1.0))

    assert waiting.oldest_s == 2.0


def test_time_of_the_first_piece_is_when_the_wait_ended(ask):
    request = ask(5)
    waiting = waiting_with(request)
    waiting.take(2, 7.0)
    waiting.take(2, 9.0)

    assert request.taken_s == 7.0
