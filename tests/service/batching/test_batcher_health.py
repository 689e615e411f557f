import asyncio

import numpy as np
import pytest

from service.batching.backend import BackendLost
from service.batching.batcher import Batcher
from service.batching.options import BatcherOptions
from service.errors import NotReady
from tests.fake_backend import RunsAs, features_of, held, reference, run, tracklet
from tests.fake_clock import FakeClock


def test_it_is_well_from_start_to_stop_and_says_why_not():
    batcher = Batcher([RunsAs(reference)], BatcherOptions((1,)))
    before = batcher.health
    batcher.start()
    during = batcher.health
    batcher.stop()
    after = batcher.health

    assert (before.well, before.alive, before.reason) == (
        False,
        False,
        "a batcher that has not started",
    )
    assert (during.well, during.alive, during.reason) == (True, True, None)
    assert (after.well, after.alive, after.reason) == (False, False, "a batcher that has stopped")


def test_a_batch_that_takes_far_longer_than_batches_take_is_stuck(make, backend):
    clock = FakeClock()

    async def scenario():
        batcher = make(clock=clock)
        first = await held(batcher, backend)
        clock.now_s += 29
        patient = batcher.health
        clock.now_s += 2
        stuck = batcher.health
        backend.gate.set()
        await first
        clock.now_s += 1000
        return patient, stuck, batcher.health

    patient, stuck, answered = run(scenario())

    assert patient.well
    assert stuck.stuck
    assert not stuck.well
    assert stuck.reason == "a batch that has been computed for 31 s"
    assert answered.well


def test_slow_batches_may_be_slower_still_before_they_count_as_stuck(make, backend):
    clock = FakeClock()

    def slow(frames):
        clock.now_s += 2
        return backend.run(frames)

    async def scenario():
        batcher = make(slow, clock=clock)
        await features_of(batcher, tracklet(1, 1))
        first = await held(batcher, backend)
        clock.now_s += 37
        patient = batcher.health
        clock.now_s += 2
        stuck = batcher.health
        backend.gate.set()
        await first
        return patient, stuck

    patient, stuck = run(scenario())

    assert patient.well
    assert stuck.stuck


class TestLost:
    def test_all_that_wait_are_told_and_the_owner_once(self, make, backend):
        told = []

        def lost(frames):
            backend.run(frames)
            raise BackendLost("device 0 fell off the bus")

        async def scenario():
            batcher = make(lost, batch=2, lanes=2, on_lost=told.append)
            backend.gate.clear()
            tasks = [asyncio.create_task(features_of(batcher, tracklet(i, 5))) for i in range(4)]
            await asyncio.to_thread(backend.entered.wait, 5)
            await asyncio.sleep(0.05)
            backend.gate.set()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            with pytest.raises(NotReady):
                await features_of(batcher, tracklet(1, 1))
            return results, batcher.health

        results, health = run(scenario())

        assert [type(result) for result in results] == [NotReady] * 4
        assert [str(error) for error in told] == ["device 0 fell off the bus"]
        assert health.lost
        assert not health.alive
        assert health.reason == "a device that is lost: device 0 fell off the bus"

    def test_the_other_lane_answers_what_it_has_in_hand(self, make, backend):
        async def scenario():
            def second_is_lost(frames):
                if len(frames) == 2:
                    raise BackendLost("gone")
                return backend.run(frames)

            batcher = make(second_is_lost, batch=2, lanes=2)
            first = await held(batcher, backend)
            with pytest.raises(NotReady):
                await features_of(batcher, tracklet(1, 2))
            backend.gate.set()
            return await first

        assert np.array_equal(run(scenario()), reference(tracklet(99, 1)))

    def test_without_an_owner_it_is_seen_all_the_same(self, make):
        def lost(frames):
            raise BackendLost("gone")

        batcher = make(lost)
        with pytest.raises(NotReady):
            run(features_of(batcher, tracklet(1, 1)))

        assert batcher.health.lost
