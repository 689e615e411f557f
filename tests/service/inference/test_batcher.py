import asyncio
import gc
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from service.errors import InferenceFailed, NotReady, Overloaded, TooManyFrames
from service.inference.batcher import FrameBatcher

POISON = 255
LONG_S = 15


class FakeBackend:
    """Stands for a runtime: three sums per frame, a gate to hold it, poison that makes it fail."""

    def __init__(self):
        self.sizes = []
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()

    def run(self, frames):
        self.sizes.append(len(frames))
        self.entered.set()
        assert self.gate.wait(LONG_S)
        if (frames == POISON).all(axis=(1, 2, 3)).any():
            raise RuntimeError("poisoned")
        return reference(frames)


def reference(frames):
    flat = frames.reshape(len(frames), -1).astype(np.float32)
    weights = np.arange(flat.shape[1], dtype=np.float32)
    return np.stack([flat.sum(axis=1), flat @ weights, flat[:, 0]], axis=1)


def tracklet(seed, length):
    return np.random.default_rng(seed).integers(0, 200, (length, 4, 2, 3), dtype=np.uint8)


@pytest.fixture
def backend():
    return FakeBackend()


@pytest.fixture
def make(backend):
    made = []

    def make(run=backend.run, *, batch=8, queue=64):
        batcher = FrameBatcher(run, max_batch_frames=batch, max_queue_frames=queue)
        batcher.start()
        made.append(batcher)
        return batcher

    yield make
    backend.gate.set()
    for batcher in made:
        batcher.stop()


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, LONG_S))


async def held(batcher, backend):
    """Occupy the backend with one frame, so that what comes next has to gather."""
    backend.gate.clear()
    backend.entered.clear()
    task = asyncio.create_task(batcher.features(tracklet(99, 1)))
    assert await asyncio.to_thread(backend.entered.wait, LONG_S)
    return task


async def gathered(batcher, backend, tracklets):
    """Let all tracklets wait while the backend is held, then answer them together."""
    first = await held(batcher, backend)
    tasks = [asyncio.create_task(batcher.features(frames)) for frames in tracklets]
    await asyncio.sleep(0)
    backend.sizes.clear()
    backend.gate.set()
    await first
    return await asyncio.gather(*tasks, return_exceptions=True)


class TestBatches:
    def test_batch_of_many_equals_singles(self, make, backend):
        tracklets = [tracklet(seed, 1 + seed % 5) for seed in range(12)]

        together = run(gathered(make(), backend, tracklets))

        for frames, features in zip(tracklets, together, strict=True):
            assert np.array_equal(features, reference(frames))

    def test_frames_keep_their_order_over_a_split(self, make, backend):
        long = tracklet(1, 37)

        features = run(make(batch=8).features(long))

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
        run(make(batch=8).features(tracklet(1, 2)))

        assert backend.sizes == [2]

    def test_oldest_tracklet_is_answered_first(self, make, backend):
        order = []

        async def scenario():
            batcher = make(batch=2)
            first = await held(batcher, backend)

            async def ask(name):
                await batcher.features(tracklet(name, 2))
                order.append(name)

            tasks = [asyncio.create_task(ask(name)) for name in range(5)]
            await asyncio.sleep(0)
            backend.gate.set()
            await asyncio.gather(first, *tasks)

        run(scenario())

        assert order == [0, 1, 2, 3, 4]

    def test_answer_does_not_keep_the_batch_in_memory(self, make):
        features = run(make().features(tracklet(1, 2)))

        assert features.base is None

    def test_many_tasks_each_get_their_own_features(self, make):
        async def scenario():
            batcher = make(batch=8, queue=10_000)

            async def ask(task):
                for step in range(10):
                    frames = tracklet(1000 * task + step, 1 + (task + step) % 11)
                    assert np.array_equal(await batcher.features(frames), reference(frames))

            await asyncio.gather(*(ask(task) for task in range(30)))

        run(scenario())

    def test_two_event_loops_share_one_batcher(self, make, backend):
        batcher = make()
        results = {}

        def own_loop(name):
            results[name] = run(batcher.features(tracklet(name, 20)))

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
            tasks = [asyncio.create_task(batcher.features(tracklet(i, 1))) for i in range(8)]
            await asyncio.sleep(0)
            wakes = []
            original = loop.call_soon_threadsafe

            def counted(*arguments, **options):
                wakes.append(threading.current_thread().name)
                return original(*arguments, **options)

            loop.call_soon_threadsafe = counted
            backend.gate.set()
            await asyncio.gather(first, *tasks)
            return list(wakes)

        assert run(scenario()) == ["batcher", "batcher"]


class TestQueue:
    def test_no_frame_is_our_own_mistake(self, make):
        with pytest.raises(ValueError, match="expected a tracklet of 1 or more frames, received"):
            run(make().features(tracklet(1, 0)))

    def test_tracklet_longer_than_the_queue_is_refused_for_good(self, make, backend):
        with pytest.raises(TooManyFrames) as refusal:
            run(make(queue=64).features(tracklet(1, 65)))

        assert refusal.value.expected == "at most 64 frames"
        assert refusal.value.received == "65"
        assert refusal.value.remedy == (
            "send fewer frames of the tracklet, or raise REID_MAX_QUEUE_FRAMES"
        )
        assert backend.sizes == []

    def test_full_queue_is_refused_and_takes_exactly_its_bound(self, make, backend):
        async def scenario():
            batcher = make(queue=10)
            first = await held(batcher, backend)
            tasks = [asyncio.create_task(batcher.features(tracklet(i, 5))) for i in range(2)]
            await asyncio.sleep(0)
            with pytest.raises(Overloaded) as refusal:
                await batcher.features(tracklet(9, 1))
            backend.gate.set()
            await asyncio.gather(first, *tasks)
            await batcher.features(tracklet(9, 10))
            return refusal.value

        refused = run(scenario())

        assert refused.expected == "at most 10 frames waiting for the model"
        assert refused.received == "1 more beside 10"
        assert refused.remedy == "send the request again later"
        assert refused.retry_after_s == 1

    def test_retry_after_is_the_time_of_what_waits_and_what_runs(self, make, backend):
        def slow(frames):
            time.sleep(0.2 * len(frames))
            return backend.run(frames)

        async def scenario():
            batcher = make(slow, batch=1, queue=10)
            await batcher.features(tracklet(1, 1))
            first = await held(batcher, backend)
            waiting = asyncio.create_task(batcher.features(tracklet(2, 10)))
            await asyncio.sleep(0)
            with pytest.raises(Overloaded) as refusal:
                await batcher.features(tracklet(3, 1))
            waiting.cancel()
            backend.gate.set()
            await first
            return refusal.value.retry_after_s

        assert 3 <= run(scenario()) <= 4

    def test_cancelled_tracklet_leaves_the_queue_and_is_never_computed(self, make, backend):
        async def scenario():
            batcher = make(queue=10)
            first = await held(batcher, backend)
            cancelled = asyncio.create_task(batcher.features(tracklet(1, 8)))
            await asyncio.sleep(0)
            cancelled.cancel()
            await asyncio.gather(cancelled, return_exceptions=True)
            kept = asyncio.create_task(batcher.features(tracklet(2, 10)))
            await asyncio.sleep(0)
            backend.gate.set()
            await asyncio.gather(first, kept)

        run(scenario())

        assert sum(backend.sizes) == 1 + 10

    def test_rest_of_a_split_tracklet_is_dropped_when_cancelled(self, make, backend):
        async def scenario():
            batcher = make(batch=8, queue=64)
            backend.gate.clear()
            split = asyncio.create_task(batcher.features(tracklet(1, 40)))
            assert await asyncio.to_thread(backend.entered.wait, LONG_S)
            split.cancel()
            await asyncio.gather(split, return_exceptions=True)
            backend.gate.set()
            await batcher.features(tracklet(2, 64))

        run(scenario())

        assert sum(backend.sizes) == 8 + 64

    def test_cancelled_in_flight_harms_nobody_in_its_batch(self, make, backend):
        async def scenario():
            batcher = make(batch=8)
            first = await held(batcher, backend)
            tasks = [asyncio.create_task(batcher.features(tracklet(i, 2))) for i in range(3)]
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
        run(batcher.features(tracklet(1, 1)))
        status = Path(f"/proc/self/task/{batcher._thread.native_id}/status")
        time.sleep(0.05)
        before = status.read_text().partition("voluntary_ctxt_switches")[2]
        time.sleep(0.3)

        assert status.read_text().partition("voluntary_ctxt_switches")[2] == before


class TestFailure:
    def test_poisoned_tracklet_fails_alone(self, make, backend):
        tracklets = [tracklet(1, 2), np.full((2, 4, 2, 3), POISON, np.uint8), tracklet(2, 3)]

        first, poisoned, third = run(gathered(make(), backend, tracklets))

        assert np.array_equal(first, reference(tracklets[0]))
        assert np.array_equal(third, reference(tracklets[2]))
        assert isinstance(poisoned, InferenceFailed)
        assert poisoned.expected == "the model to run on these frames"
        assert poisoned.received == "RuntimeError from the runtime"
        assert poisoned.remedy == "report these frames; the other requests are not touched by it"
        assert str(poisoned.__cause__) == "poisoned"

    def test_rest_of_a_poisoned_tracklet_is_not_computed(self, make, backend):
        long = tracklet(1, 40)
        long[0] = POISON

        async def scenario():
            task = asyncio.create_task(make(batch=8, queue=64).features(long))
            await asyncio.sleep(0)
            time.sleep(0.2)  # the loop stands still: the thread alone must drop the rest
            with pytest.raises(InferenceFailed):
                await task

        run(scenario())

        assert backend.sizes == [8]

    def test_poison_at_the_end_fails_the_whole_tracklet(self, make):
        long = tracklet(1, 20)
        long[-1] = POISON

        with pytest.raises(InferenceFailed):
            run(make(batch=8).features(long))

    def test_thread_outlives_every_failure(self, make, backend):
        async def scenario():
            batcher = make()
            for _ in range(20):
                with pytest.raises(InferenceFailed):
                    await batcher.features(np.full((1, 4, 2, 3), POISON, np.uint8))
            return batcher.alive, await batcher.features(tracklet(1, 3))

        alive, features = run(scenario())

        assert alive
        assert np.array_equal(features, reference(tracklet(1, 3)))

    @pytest.mark.parametrize(
        "wrong",
        [
            lambda frames: reference(frames)[:-1],
            lambda frames: reference(frames)[0],
            lambda frames: None,
        ],
    )
    def test_wrong_answer_of_the_backend_fails_its_tracklet(self, make, wrong):
        batcher = make(wrong)

        with pytest.raises(InferenceFailed):
            run(batcher.features(tracklet(1, 2)))
        assert batcher.alive

    def test_features_that_change_their_width_fail_the_tracklet_only(self, make):
        widths = iter([3, 2, 3])
        batcher = make(lambda frames: reference(frames)[:, : next(widths)], batch=2)

        with pytest.raises(InferenceFailed, match="ValueError from the runtime"):
            run(batcher.features(tracklet(1, 4)))
        assert np.array_equal(run(batcher.features(tracklet(2, 2))), reference(tracklet(2, 2)))

    def test_closed_loop_is_nobodys_problem(self, make, backend):
        batcher = make()
        loop = asyncio.new_event_loop()
        backend.gate.clear()
        task = loop.create_task(batcher.features(tracklet(1, 1)))
        loop.run_until_complete(asyncio.sleep(0))
        assert backend.entered.wait(LONG_S)
        loop._ready.clear()
        loop.close()
        backend.gate.set()

        assert np.array_equal(run(batcher.features(tracklet(2, 2))), reference(tracklet(2, 2)))
        assert batcher.alive
        task._log_destroy_pending = False
        task.get_coro().close()
        del task
        gc.collect()

    @pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
    def test_death_of_the_thread_is_told_to_all_and_seen(self, make, backend):
        def fatal(frames):
            backend.run(frames)
            raise SystemExit

        async def scenario():
            batcher = make(fatal, batch=2)
            first = await held(batcher, backend)
            rest = [asyncio.create_task(batcher.features(tracklet(i, 3))) for i in range(2)]
            await asyncio.sleep(0)
            backend.gate.set()
            results = await asyncio.gather(first, *rest, return_exceptions=True)
            with pytest.raises(NotReady):
                await batcher.features(tracklet(1, 1))
            return results, batcher.alive

        results, alive = run(scenario())

        assert [type(result) for result in results] == [NotReady] * 3
        assert not alive


class TestLife:
    def test_not_started_is_not_ready(self):
        batcher = FrameBatcher(reference, max_batch_frames=1, max_queue_frames=1)

        assert not batcher.alive
        with pytest.raises(NotReady) as refusal:
            run(batcher.features(tracklet(1, 1)))
        assert refusal.value.expected == "a running batcher"
        assert refusal.value.received == "a request while the service starts or stops"
        assert refusal.value.remedy == "send the request again later"
        assert refusal.value.retry_after_s == 1
        batcher.stop()

    def test_stop_answers_the_batch_in_hand_and_fails_what_waits(self, make, backend):
        async def scenario():
            batcher = make(batch=1)
            first = await held(batcher, backend)
            rest = [asyncio.create_task(batcher.features(tracklet(i, 2))) for i in range(3)]
            await asyncio.sleep(0)
            stopping = asyncio.create_task(asyncio.to_thread(batcher.stop))
            failed = await asyncio.gather(*rest, return_exceptions=True)
            backend.gate.set()
            await stopping
            with pytest.raises(NotReady):
                await batcher.features(tracklet(1, 1))
            return await first, failed, batcher.alive

        features, failed, alive = run(scenario())

        assert np.array_equal(features, reference(tracklet(99, 1)))
        assert [type(result) for result in failed] == [NotReady] * 3
        assert not alive
        assert backend.sizes == [1]

    def test_stop_does_not_wait_for_a_backend_that_hangs(self, make, backend):
        async def scenario():
            batcher = make()
            first = await held(batcher, backend)
            await asyncio.to_thread(batcher.stop, timeout_s=0.1)
            return await asyncio.gather(first, return_exceptions=True)

        assert [type(result) for result in run(scenario())] == [NotReady]

    def test_stop_may_be_called_twice(self, make):
        batcher = make()
        batcher.stop()
        batcher.stop()

        assert not batcher.alive

    def test_age_of_the_batch_in_hand(self, make, backend):
        async def scenario():
            batcher = make()
            idle_s = batcher.busy_s
            first = await held(batcher, backend)
            await asyncio.sleep(0.1)
            busy_s = batcher.busy_s
            backend.gate.set()
            await first
            while batcher.busy_s:
                await asyncio.sleep(0.001)
            return idle_s, busy_s

        idle_s, busy_s = run(scenario())

        assert idle_s == 0
        assert busy_s >= 0.1
