import asyncio
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from tests.fake_backend import (
    LONG_S,
    features_of,
    gathered,
    held,
    reference,
    run,
    tracklet,
)


class TestBatches:
    def test_batch_of_many_equals_singles(self, make, backend):
        tracklets = [tracklet(seed, 1 + seed % 5) for seed in range(12)]

        together = run(gathered(make(), backend, tracklets))

        for frames, features in zip(tracklets, together, strict=True):
            assert np.array_equal(features, reference(frames))

    def test_frames_keep_their_order_over_a_split(self, make, backend):
        long = tracklet(1, 37)

        features = run(features_of(make(batch=8), long))

        assert np.array_equal(features, reference(long))
        assert backend.sizes == [8, 8, 8, 8, 5]

    def test_batches_are_filled_exactly_while_more_waits(self, make, backend):
        tracklets = [tracklet(seed, length) for seed, length in enumerate((5, 5, 5, 5, 2))]

        together = run(gathered(make(batch=8), backend, tracklets))

        assert backend.sizes == [8, 8, 6]
        for frames, features in zip(tracklets, together, strict=True):
            assert np.array_equal(features, reference(frames))

    def test_no_batch_is_larger_than_the_limit(self, make, backend):
        run(gathered(make(batch=3), backend, [tracklet(seed, 7) for seed in range(5)]))

        assert max(backend.sizes) == 3
        assert sum(backend.sizes) == 35

    def test_idle_batcher_starts_at_once_with_what_it_has(self, make, backend):
        run(features_of(make(batch=8), tracklet(1, 2)))

        assert backend.sizes == [2]

    def test_oldest_tracklet_is_answered_first(self, make, backend):
        order = []

        async def scenario():
            batcher = make(batch=2)
            first = await held(batcher, backend)

            async def ask(name):
                await features_of(batcher, tracklet(name, 2))
                order.append(name)

            tasks = [asyncio.create_task(ask(name)) for name in range(5)]
            await asyncio.sleep(0)
            backend.gate.set()
            await asyncio.gather(first, *tasks)

        run(scenario())

        assert order == [0, 1, 2, 3, 4]

    def test_answer_does_not_keep_the_batch_in_memory(self, make):
        features = run(features_of(make(), tracklet(1, 2)))

        assert features.base is None

    def test_many_tasks_each_get_their_own_features(self, make):
        async def scenario():
            batcher = make(batch=8)

            async def ask(task):
                for step in range(10):
                    frames = tracklet(1000 * task + step, 1 + (task + step) % 11)
                    assert np.array_equal(await features_of(batcher, frames), reference(frames))

            await asyncio.gather(*(ask(task) for task in range(30)))

        run(scenario())

    def test_two_event_loops_share_one_batcher(self, make, backend):
        batcher = make()
        results = {}

        def own_loop(name):
            results[name] = run(features_of(batcher, tracklet(name, 20)))

        threads = [threading.Thread(target=own_loop, args=(name,)) for name in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LONG_S)

        for name in range(2):
            assert np.array_equal(results[name], reference(tracklet(name, 20)))

    def test_loop_is_woken_once_per_batch(self, make, backend):
        async def scenario():
            batcher = make(batch=8)
            loop = asyncio.get_running_loop()
            first = await held(batcher, backend)
            tasks = [asyncio.create_task(features_of(batcher, tracklet(i, 1))) for i in range(8)]
            await asyncio.sleep(0)
            wakes = []
            original = loop.call_soon_threadsafe

            def counted(callback, *arguments, **options):
                wakes.append(callback)
                return original(callback, *arguments, **options)

            loop.call_soon_threadsafe = counted
            backend.gate.set()
            await asyncio.gather(first, *tasks)
            return len(wakes)

        assert run(scenario()) == 2


class TestQueue:
    def test_no_frame_is_our_own_mistake(self, make):
        with pytest.raises(ValueError, match="expected a tracklet of 1 or more frames, received"):
            run(features_of(make(), tracklet(1, 0)))

    def test_cancelled_tracklet_leaves_the_queue_and_is_never_computed(self, make, backend):
        async def scenario():
            batcher = make()
            first = await held(batcher, backend)
            cancelled = asyncio.create_task(features_of(batcher, tracklet(1, 7)))
            await asyncio.sleep(0)
            cancelled.cancel()
            await asyncio.gather(cancelled, return_exceptions=True)
            kept = asyncio.create_task(features_of(batcher, tracklet(2, 10)))
            await asyncio.sleep(0)
            backend.gate.set()
            await asyncio.gather(first, kept)

        run(scenario())

        assert sum(backend.sizes) == 1 + 10

    def test_rest_of_a_split_tracklet_is_dropped_when_cancelled(self, make, backend, prefetch):
        async def scenario():
            batcher = make(batch=8)
            backend.gate.clear()
            split = asyncio.create_task(features_of(batcher, tracklet(1, 40)))
            assert await asyncio.to_thread(backend.entered.wait, LONG_S)
            await asyncio.sleep(0.05)  # for the batch that is assembled ahead
            split.cancel()
            await asyncio.gather(split, return_exceptions=True)
            backend.gate.set()
            await features_of(batcher, tracklet(2, 64))

        run(scenario())

        in_hand = 8 + (8 if prefetch else 0)
        assert sum(backend.sizes) == in_hand + 64

    def test_cancelled_in_flight_harms_nobody_in_its_batch(self, make, backend):
        async def scenario():
            batcher = make(batch=8)
            first = await held(batcher, backend)
            tasks = [asyncio.create_task(features_of(batcher, tracklet(i, 2))) for i in range(3)]
            await asyncio.sleep(0)
            backend.gate.set()
            time.sleep(0.2)  # the loop stands still: the batch is answered before the cancellation
            tasks[1].cancel()
            return (await asyncio.gather(first, *tasks, return_exceptions=True))[1:]

        first, _, third = run(scenario())

        assert np.array_equal(first, reference(tracklet(0, 2)))
        assert np.array_equal(third, reference(tracklet(2, 2)))

    def test_idle_thread_sleeps_and_never_polls(self, make):
        batcher = make()
        run(features_of(batcher, tracklet(1, 1)))
        (thread,) = (each for each in threading.enumerate() if each.name == "batcher-0")
        status = Path(f"/proc/self/task/{thread.native_id}/status")
        time.sleep(0.05)
        before = status.read_text().partition("voluntary_ctxt_switches")[2]
        time.sleep(0.3)

        assert status.read_text().partition("voluntary_ctxt_switches")[2] == before
