import asyncio
import gc
import time

import numpy as np
import pytest

from service.batching.batcher import Batcher
from service.batching.options import BatcherOptions
from service.errors import InferenceFailed, NotReady
from tests.fake_backend import (
    LONG_S,
    POISON,
    RunsAs,
    features_of,
    gathered,
    held,
    reference,
    run,
    tracklet,
)


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

    def test_rest_of_a_poisoned_tracklet_is_not_computed(self, make, backend, prefetch):
        long = tracklet(1, 40)
        long[0] = POISON

        async def scenario():
            task = asyncio.create_task(features_of(make(batch=8), long))
            await asyncio.sleep(0)
            time.sleep(0.2)  # the loop stands still: the thread alone must drop the rest
            with pytest.raises(InferenceFailed):
                await task

        run(scenario())

        # The batch and a blank item, and perhaps the one batch that is assembled ahead.
        assert sum(backend.sizes) <= 9 + (8 if prefetch else 0)

    def test_poison_at_the_end_fails_the_whole_tracklet(self, make):
        long = tracklet(1, 20)
        long[-1] = POISON

        with pytest.raises(InferenceFailed):
            run(features_of(make(batch=8), long))

    def test_thread_outlives_every_failure(self, make, backend):
        async def scenario():
            batcher = make()
            for _ in range(20):
                with pytest.raises(InferenceFailed):
                    await features_of(batcher, np.full((1, 4, 2, 3), POISON, np.uint8))
            return batcher.health.alive, await features_of(batcher, tracklet(1, 3))

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
            run(features_of(batcher, tracklet(1, 2)))
        assert batcher.health.alive

    def test_features_that_change_their_width_fail_the_tracklet_only(self, make):
        widths = iter([3, 2, 3])
        batcher = make(lambda frames: reference(frames)[:, : next(widths)], batch=2)

        with pytest.raises(InferenceFailed, match="ValueError from the runtime"):
            run(features_of(batcher, tracklet(1, 4)))
        assert np.array_equal(run(features_of(batcher, tracklet(2, 2))), reference(tracklet(2, 2)))

    def test_closed_loop_is_nobodys_problem(self, make, backend):
        batcher = make()
        loop = asyncio.new_event_loop()
        backend.gate.clear()
        task = loop.create_task(features_of(batcher, tracklet(1, 1)))
        loop.run_until_complete(asyncio.sleep(0))
        assert backend.entered.wait(LONG_S)
        loop._ready.clear()
        loop.close()
        backend.gate.set()

        assert np.array_equal(run(features_of(batcher, tracklet(2, 2))), reference(tracklet(2, 2)))
        assert batcher.health.alive
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
            rest = [asyncio.create_task(features_of(batcher, tracklet(i, 3))) for i in range(2)]
            await asyncio.sleep(0)
            backend.gate.set()
            results = await asyncio.gather(first, *rest, return_exceptions=True)
            with pytest.raises(NotReady):
                await features_of(batcher, tracklet(1, 1))
            return results, batcher.health.alive

        results, alive = run(scenario())

        assert [type(result) for result in results] == [NotReady] * 3
        assert not alive


class TestLife:
    def test_not_started_is_not_ready(self):
        batcher = Batcher([RunsAs(reference)], BatcherOptions((1,)))

        assert not batcher.health.alive
        with pytest.raises(NotReady) as refusal:
            run(features_of(batcher, tracklet(1, 1)))
        assert refusal.value.expected == "a running batcher"
        assert refusal.value.received == "a request while the service starts or stops"
        assert refusal.value.remedy == "send the request again later"
        assert refusal.value.retry_after_s == 1
        batcher.stop()

    def test_stop_answers_what_is_in_hand_and_fails_what_waits(self, make, backend, prefetch):
        async def scenario():
            batcher = make(batch=1)
            first = await held(batcher, backend)
            rest = [asyncio.create_task(features_of(batcher, tracklet(i, 2))) for i in range(3)]
            await asyncio.sleep(0.05)  # for the batch that is assembled ahead
            stopping = asyncio.create_task(asyncio.to_thread(batcher.stop))
            failed = await asyncio.gather(*rest, return_exceptions=True)
            backend.gate.set()
            await stopping
            with pytest.raises(NotReady):
                await features_of(batcher, tracklet(1, 1))
            return await first, failed, batcher.health.alive

        features, failed, alive = run(scenario())

        assert np.array_equal(features, reference(tracklet(99, 1)))
        assert [type(result) for result in failed] == [NotReady] * 3
        assert not alive
        assert backend.sizes == ([1, 1] if prefetch else [1])

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

        assert not batcher.health.alive


def test_features_that_are_no_numbers_leave_nobody_waiting(make):
    async def scenario():
        batcher = make(lambda frames: np.full((len(frames), 3), object(), object))
        calls = [features_of(batcher, tracklet(seed, 2)) for seed in range(3)]
        return await asyncio.gather(*calls, return_exceptions=True)

    assert [type(each) for each in run(scenario())] == [InferenceFailed] * 3
