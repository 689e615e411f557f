import asyncio
import random
import threading
import time

import numpy as np
import pytest

from service.batching.assembly import Assembly
from service.batching.urgency import Priority, Urgency
from service.errors import InferenceFailed
from tests.fake_backend import LONG_S, POISON, features_of, reference, run, tracklet


class Meeting:
    """A backend whose runs wait until as many are under way as it is told."""

    def __init__(self, lanes):
        self.barrier = threading.Barrier(lanes)
        self.sizes = []

    def run(self, frames):
        self.sizes.append(len(frames))
        self.barrier.wait(LONG_S)
        return reference(frames)


def test_one_call_is_shared_out_between_idle_lanes(make):
    meeting = Meeting(2)
    items = tracklet(1, 8)

    features = run(features_of(make(meeting.run, lanes=2), items))

    assert meeting.sizes == [4, 4]
    assert np.array_equal(features, reference(items))


def test_lanes_compute_at_the_same_time(make):
    meeting = Meeting(3)

    async def scenario():
        batcher = make(meeting.run, lanes=3)
        await asyncio.gather(*(features_of(batcher, tracklet(i, 1)) for i in range(3)))

    run(scenario())

    assert meeting.sizes == [1, 1, 1]


@pytest.mark.parametrize("prefetch", [False])
def test_a_busy_lane_leaves_its_share_to_the_idle_one(make, backend):
    stuck = threading.Event()
    first = threading.Event()

    def one_hangs(frames):
        if not first.is_set():
            first.set()
            stuck.wait(LONG_S)
        return backend.run(frames)

    async def scenario():
        batcher = make(one_hangs, lanes=2)
        slow = asyncio.create_task(features_of(batcher, tracklet(1, 1)))
        assert await asyncio.to_thread(first.wait, LONG_S)
        for seed in range(3):
            await features_of(batcher, tracklet(seed, 20))
        assert not slow.done()
        stuck.set()
        await slow

    run(scenario())

    assert backend.sizes[:3] == [8, 8, 4]


@pytest.mark.parametrize("sizes", [(1, 2, 3, 4, 5, 6, 7, 8), (4, 8, 16)])
@pytest.mark.parametrize("lanes", [1, 3])
def test_whatever_comes_is_answered_right_in_batches_of_the_sizes(make, backend, sizes, lanes):
    chance = random.Random(1)

    async def client(batcher, name):
        for step in range(15):
            items = tracklet(1000 * name + step, chance.randint(1, 30))
            urgency = Urgency(chance.choice(list(Priority)))
            if chance.random() < 0.1:
                items[chance.randrange(len(items))] = POISON
                with pytest.raises(InferenceFailed):
                    await features_of(batcher, items, urgency=urgency)
                continue
            task = asyncio.create_task(features_of(batcher, items, urgency=urgency))
            if chance.random() < 0.1:
                await asyncio.sleep(chance.random() * 0.003)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                continue
            assert np.array_equal(await task, reference(items))

    async def scenario():
        batcher = make(lanes=lanes, sizes=sizes)
        await asyncio.gather(*(client(batcher, name) for name in range(20)))

    run(scenario())

    assert set(backend.sizes) <= set(sizes)


class TestAhead:
    @pytest.fixture
    def prefetch(self):
        return True

    def test_a_full_batch_is_ready_when_the_one_before_is_done(self, make, backend):
        async def scenario():
            batcher = make(batch=8)
            backend.gate.clear()
            task = asyncio.create_task(features_of(batcher, tracklet(1, 24)))
            assert await asyncio.to_thread(backend.entered.wait, LONG_S)
            await asyncio.sleep(0.05)
            task.cancel()  # the rest of it: one batch in hand, one ahead, one given up
            await asyncio.gather(task, return_exceptions=True)
            backend.gate.set()
            await features_of(batcher, tracklet(2, 1))

        run(scenario())

        assert backend.sizes == [8, 8, 1]

    def test_no_buffer_is_written_to_while_it_is_computed(self, make, monkeypatch):
        assembled_ahead = threading.Event()
        assemble = Assembly.rows

        def slowly_at_first(assembly, pieces):
            ahead = threading.current_thread().name.endswith("-ahead")
            if not ahead:
                assembled_ahead.wait(0.3)
            rows = assemble(assembly, pieces)
            if ahead:
                assembled_ahead.set()
            return rows

        def compute(frames):
            time.sleep(0.05)  # in which the next batch is assembled
            return reference(frames)

        monkeypatch.setattr(Assembly, "rows", slowly_at_first)
        tracklets = [tracklet(seed, 4) for seed in range(7)]

        async def scenario():
            batcher = make(compute, sizes=(8,))
            return await asyncio.gather(*(features_of(batcher, one) for one in tracklets))

        for features, one in zip(run(scenario()), tracklets, strict=True):
            assert np.array_equal(features, reference(one))

    def test_a_batch_that_could_still_grow_is_not_taken_ahead(self, make, backend):
        async def scenario():
            batcher = make(batch=8)
            backend.gate.clear()
            tasks = [asyncio.create_task(features_of(batcher, tracklet(0, 1)))]
            assert await asyncio.to_thread(backend.entered.wait, LONG_S)
            for seed in range(7):
                tasks.append(asyncio.create_task(features_of(batcher, tracklet(seed, 1))))
                await asyncio.sleep(0.01)
            backend.gate.set()
            await asyncio.gather(*tasks)

        run(scenario())

        assert backend.sizes == [1, 7]

    def test_an_idle_lane_gets_what_another_could_take_ahead(self, make, backend):
        meeting = Meeting(2)

        async def scenario():
            batcher = make(meeting.run, lanes=2)
            await asyncio.gather(*(features_of(batcher, tracklet(seed, 8)) for seed in range(2)))

        run(scenario())

        assert sorted(meeting.sizes) == [8, 8]
