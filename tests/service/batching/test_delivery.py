import asyncio

import numpy as np
import pytest

from service.batching.delivery import Outcome, deliver
from service.batching.request import Request
from service.batching.urgency import PATIENT
from service.errors import InferenceFailed, NotReady


def request_of(count, *, taken_s=1.0):
    loop = asyncio.get_running_loop()
    items = np.zeros((count, 2, 2, 3), np.uint8)
    return Request(items, PATIENT, loop.create_future(), loop, came_s=0.0, taken_s=taken_s)


def rows(first, last, width=3):
    return np.repeat(np.arange(first, last, dtype=np.float32)[:, None], width, axis=1)


def test_parts_in_any_order_make_up_the_whole_and_only_the_last_ends_the_wait():
    async def scenario():
        request = request_of(3)
        deliver([Outcome(request, 1, rows(1, 3), 4.0)])
        await asyncio.sleep(0)
        assert not request.future.done()
        deliver([Outcome(request, 0, rows(0, 1), 5.0)])
        return await request.future

    computed = asyncio.run(scenario())
    np.testing.assert_array_equal(computed.features, rows(0, 3))
    assert (computed.queued_s, computed.inference_s) == (1.0, 4.0)


def test_a_loop_is_woken_once_for_all_outcomes_of_its_requests(monkeypatch):
    async def scenario():
        loop = asyncio.get_running_loop()
        requests = [request_of(1) for _ in range(5)]
        woken = []
        wake = loop.call_soon_threadsafe
        monkeypatch.setattr(
            loop, "call_soon_threadsafe", lambda *given: woken.append(given) or wake(*given)
        )
        deliver([Outcome(request, 0, rows(0, 1), 2.0) for request in requests])
        await asyncio.gather(*(request.future for request in requests))
        assert len(woken) == 1

    asyncio.run(scenario())


def test_features_that_do_not_fit_beside_those_before_fail_their_request_alone():
    async def scenario():
        broken, whole = request_of(2), request_of(1)
        deliver([Outcome(broken, 0, rows(0, 1), 2.0)])
        deliver([Outcome(broken, 1, rows(1, 2, width=4), 3.0), Outcome(whole, 0, rows(0, 1), 3.0)])
        with pytest.raises(InferenceFailed):
            await broken.future
        return await whole.future

    np.testing.assert_array_equal(asyncio.run(scenario()).features, rows(0, 1))


def test_who_has_left_or_failed_is_not_told_again():
    async def scenario():
        left, failed = request_of(1), request_of(2)
        left.future.cancel()
        error = NotReady(expected="a", received="b", remedy="c")
        deliver([Outcome(left, 0, rows(0, 1), 2.0), Outcome(failed, 0, error, 2.0)])
        deliver([Outcome(failed, 1, rows(1, 2), 3.0)])
        with pytest.raises(NotReady) as raised:
            await failed.future
        assert raised.value is error
        assert left.future.cancelled()

    asyncio.run(scenario())


def test_a_loop_that_is_closed_holds_up_nobody():
    async def ask():
        return request_of(1)

    gone = asyncio.run(ask())

    async def scenario():
        request = request_of(1)
        deliver([Outcome(gone, 0, rows(0, 1), 2.0), Outcome(request, 0, rows(0, 1), 2.0)])
        return await request.future

    assert len(asyncio.run(scenario()).features) == 1


def test_a_part_of_a_batch_is_copied_so_that_the_rest_is_let_go():
    async def scenario():
        part, alone = request_of(2), request_of(2)
        whole = rows(0, 2)
        deliver([Outcome(part, 0, rows(0, 8)[:2], 2.0), Outcome(alone, 0, whole, 2.0)])
        assert (await part.future).features.base is None
        assert (await alone.future).features is whole

    asyncio.run(scenario())
