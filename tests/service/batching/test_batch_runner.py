import asyncio

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.batching.backend import BackendLost, BackendOutOfMemory
from service.batching.batch_runner import BatchRunner
from service.batching.request import Piece, Request
from service.batching.urgency import PATIENT
from service.errors import InferenceFailed
from tests.fake_backend import POISON, FakeBackend, RunsAs, reference, tracklet
from tests.fake_clock import FakeClock

EVERY_SIZE = tuple(range(1, 65))


@pytest.fixture(scope="module")
def piece():
    loop = asyncio.new_event_loop()

    def piece(items):
        return Piece(Request(items, PATIENT, loop.create_future(), loop, 0.0), 0, items)

    yield piece
    loop.close()


def poisoned(length=1):
    return np.full((length, 4, 2, 3), POISON, np.uint8)


class SmallMemory(FakeBackend):
    """Holds so many rows and no more."""

    def __init__(self, most, error=BackendOutOfMemory):
        super().__init__()
        self.most = most
        self.error = error

    def run(self, frames):
        if len(frames) > self.most:
            self.sizes.append(len(frames))
            raise self.error
        return super().run(frames)


def runner(backend, sizes=EVERY_SIZE, clock=None):
    return BatchRunner(RunsAs(backend.run), sizes, clock or FakeClock())


class TestHalving:
    @given(st.lists(st.booleans(), min_size=1, max_size=24))
    def test_every_poisoned_request_fails_and_no_other(self, piece, marks):
        tracklets = [poisoned() if bad else tracklet(place, 2) for place, bad in enumerate(marks)]

        results = runner(FakeBackend()).run([piece(items) for items in tracklets], None).results

        for items, bad, result in zip(tracklets, marks, results, strict=True):
            if bad:
                assert isinstance(result, InferenceFailed)
            else:
                assert np.array_equal(result, reference(items))

    def test_one_of_many_is_found_in_a_few_runs(self, piece):
        backend = FakeBackend()
        tracklets = [tracklet(seed, 1) for seed in range(31)] + [poisoned()]

        runner(backend).run([piece(items) for items in tracklets], None)

        assert len(backend.sizes) == 1 + 2 * 5  # all, then two halves five times

    def test_features_of_the_wrong_shape_are_the_backends_failure(self, piece):
        short = RunsAs(lambda frames: reference(frames)[:-1])

        (result,) = BatchRunner(short, (4,), FakeClock()).run([piece(tracklet(1, 2))], None).results

        assert isinstance(result, InferenceFailed)
        assert str(result.__cause__) == (
            "expected features [4, d] from the backend, received [3, 3]"
        )

    def test_items_that_do_not_fit_together_fail_alone(self, piece):
        odd = tracklet(1, 2)[:, :3]
        fits = RunsAs(lambda frames: reference(frames) if frames.shape[1] == 4 else None)

        first, second, third = (
            BatchRunner(fits, EVERY_SIZE, FakeClock())
            .run([piece(tracklet(1, 2)), piece(odd), piece(tracklet(2, 2))], None)
            .results
        )

        assert np.array_equal(first, reference(tracklet(1, 2)))
        assert isinstance(second, InferenceFailed)
        assert np.array_equal(third, reference(tracklet(2, 2)))


class TestMemory:
    @pytest.mark.parametrize("error", [BackendOutOfMemory, MemoryError])
    def test_what_does_not_fit_is_run_in_parts_and_nobody_fails(self, piece, error):
        backend = SmallMemory(5, error)
        tracklets = [tracklet(seed, 7) for seed in range(3)]

        results = runner(backend).run([piece(items) for items in tracklets], None).results

        assert backend.sizes == [21, 10, 5, 5, 5, 5, 1]
        for items, result in zip(tracklets, results, strict=True):
            assert np.array_equal(result, reference(items))

    def test_the_next_batch_is_not_tried_whole(self, piece):
        backend = SmallMemory(5)
        computes = runner(backend)
        computes.run([piece(tracklet(1, 16))], None)
        backend.sizes.clear()

        computes.run([piece(tracklet(2, 16))], None)

        assert backend.sizes == [4, 4, 4, 4]

    def test_memory_that_came_back_is_used_again(self, piece):
        backend = SmallMemory(5)
        computes = runner(backend, (1, 2, 4, 8))
        computes.run([piece(tracklet(1, 8))], None)
        backend.most = 64
        for _ in range(40):
            computes.run([piece(tracklet(1, 8))], None)
        backend.sizes.clear()

        computes.run([piece(tracklet(1, 8))], None)

        assert backend.sizes == [8]

    def test_parts_are_of_the_sizes_that_the_backend_knows(self, piece):
        backend = SmallMemory(4)
        items = tracklet(1, 7)

        (result,) = runner(backend, (2, 4, 8)).run([piece(items)], None).results

        assert backend.sizes == [8, 4, 4]
        assert np.array_equal(result, reference(items))

    def test_an_item_that_does_not_fit_alone_fails(self, piece):
        backend = SmallMemory(0)

        (result,) = runner(backend).run([piece(tracklet(1, 1))], None).results

        assert result.received == "BackendOutOfMemory from the runtime"


class TestLost:
    def test_a_lost_device_is_nobodys_fault_and_nothing_is_tried_again(self, piece):
        calls = []

        def lost(frames):
            calls.append(len(frames))
            raise BackendLost("gone")

        with pytest.raises(BackendLost, match="gone"):
            BatchRunner(RunsAs(lost), EVERY_SIZE, FakeClock()).run(
                [piece(tracklet(1, 2)), piece(tracklet(2, 2))], None
            )
        assert calls == [4]

    def test_a_backend_that_fails_on_blank_items_too_is_lost(self, piece):
        def broken(frames):
            raise RuntimeError("broken")

        computes = BatchRunner(RunsAs(broken), EVERY_SIZE, FakeClock())
        computes.run([piece(tracklet(1, 1))], None)
        computes.run([piece(tracklet(1, 1))], None)
        with pytest.raises(BackendLost) as caught:
            computes.run([piece(tracklet(1, 1))], None)

        assert str(caught.value) == (
            "expected a blank item to be computed, received RuntimeError 3 times; "
            "restart the service"
        )

    def test_poison_alone_never_makes_a_backend_lost(self, piece):
        computes = runner(FakeBackend())

        for _ in range(20):
            (result,) = computes.run([piece(poisoned())], None).results
            assert isinstance(result, InferenceFailed)

    def test_failures_with_an_answer_between_them_do_not_add_up(self, piece):
        working = FakeBackend()
        broken = [True]

        def sometimes(frames):
            if broken[0]:
                raise RuntimeError("broken")
            return working.run(frames)

        computes = BatchRunner(RunsAs(sometimes), EVERY_SIZE, FakeClock())
        for _ in range(5):
            for state in (True, True, False):
                broken[0] = state
                computes.run([piece(tracklet(1, 1))], None)


def test_each_run_is_told_with_its_real_items_its_rows_and_its_time(piece):
    clock = FakeClock()

    def slow(frames):
        clock.now_s += 0.5
        return reference(frames)

    computation = BatchRunner(RunsAs(slow), (4, 8), clock).run([piece(tracklet(1, 3))], None)

    assert [(run.items, run.size, run.run_s) for run in computation.runs] == [(3, 4, 0.5)]
    assert computation.done_s == clock.now_s
