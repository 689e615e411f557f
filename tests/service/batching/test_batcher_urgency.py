import asyncio
import time

import pytest

from service.batching.batcher import Batcher
from service.batching.options import BatcherOptions
from service.batching.urgency import Priority, Urgency
from service.errors import DeadlineExceeded
from tests.fake_backend import FakeBackend, RunsAs, features_of, held, run, tracklet

SEARCH = Urgency(Priority.INTERACTIVE)


class Counting:
    """An observer that remembers."""

    def __init__(self):
        self.batches = []
        self.drops = []

    def batch_done(self, *, items, size, run_s):
        assert run_s >= 0
        self.batches.append((items, size))

    def dropped(self, reason, *, items):
        self.drops.append((reason, items))


@pytest.fixture
def observer():
    return Counting()


def test_a_search_is_answered_before_bulk_that_came_earlier(make, backend):
    order = []

    async def scenario():
        batcher = make(batch=2)
        first = await held(batcher, backend)

        async def ask(name, urgency):
            await features_of(batcher, tracklet(1, 1), urgency=urgency)
            order.append(name)

        bulk = [asyncio.create_task(ask("bulk", Urgency())) for _ in range(6)]
        await asyncio.sleep(0.05)
        search = asyncio.create_task(ask("search", SEARCH))
        await asyncio.sleep(0.05)
        backend.gate.set()
        await asyncio.gather(first, search, *bulk)

    run(scenario())

    assert order.index("search") <= 2  # behind a batch of two that may be ahead of it


def test_what_expires_while_it_waits_is_told_so_and_never_computed(make, backend, observer):
    async def scenario():
        batcher = make(observer=observer)
        first = await held(batcher, backend)
        late = asyncio.create_task(
            features_of(batcher, tracklet(1, 5), urgency=Urgency(until_s=time.monotonic() + 0.05))
        )
        await asyncio.sleep(0.1)
        backend.gate.set()
        await first
        with pytest.raises(DeadlineExceeded) as caught:
            await late
        return caught.value

    refused = run(scenario())

    assert refused.expected == "a turn before the request's deadline"
    assert refused.received == "none in that time"
    assert refused.remedy == "send the request again later, or give it more time"
    assert backend.sizes == [1]
    assert observer.drops == [("expired", 5)]


@pytest.mark.parametrize(
    ("left_s", "reason"), [(None, "cancelled"), (60.0, "cancelled"), (0.0, "expired")]
)
def test_cancelled_items_are_counted_with_their_reason(make, backend, observer, left_s, reason):
    async def scenario():
        batcher = make(observer=observer)
        first = await held(batcher, backend)
        until_s = None if left_s is None else time.monotonic() + left_s
        task = asyncio.create_task(
            features_of(batcher, tracklet(1, 5), urgency=Urgency(until_s=until_s))
        )
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        backend.gate.set()
        await first
        while not observer.drops:
            await asyncio.sleep(0.001)

    run(scenario())

    assert observer.drops == [(reason, 5)]
    assert backend.sizes == [1]


def test_batches_are_told_with_their_real_items_and_their_rows(make, observer):
    async def scenario():
        await features_of(make(sizes=(4, 8), observer=observer), tracklet(1, 3))
        while not observer.batches:
            await asyncio.sleep(0.001)

    run(scenario())

    assert observer.batches == [(3, 4)]


def test_an_idle_lane_waits_for_a_fuller_batch_only_as_long_as_it_is_told():
    backend = FakeBackend()
    batcher = Batcher([RunsAs(backend.run)], BatcherOptions((1, 2, 3), max_delay_s=0.005))
    batcher.start()

    async def scenario():
        await asyncio.gather(*(features_of(batcher, tracklet(seed, 1)) for seed in range(3)))
        started_s = time.monotonic()
        await features_of(batcher, tracklet(1, 1))
        return time.monotonic() - started_s

    waited_s = run(scenario())
    batcher.stop()

    assert backend.sizes == [3, 1]
    assert waited_s >= 0.005


def test_times_of_waiting_and_computing_come_with_the_features(make, backend):
    def slow(frames):
        time.sleep(0.05)
        return backend.run(frames)

    async def scenario():
        batcher = make(slow, batch=1)
        return await asyncio.gather(*(batcher.features(tracklet(seed, 1)) for seed in range(2)))

    first, second = run(scenario())

    assert first.queued_s < second.queued_s
    assert first.inference_s >= 0.05
    assert second.queued_s + second.inference_s >= 0.1
