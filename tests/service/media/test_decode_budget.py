import time

import pytest

from service.errors import DecodeBudgetExceeded
from service.media.decode_budget import DecodeBudget, DecodeLimits


class Clock:
    now_s = 100.0

    def __call__(self):
        return self.now_s


def test_time_is_counted_from_the_first_moment_and_ends_the_tracklet():
    clock = Clock()
    budget = DecodeBudget(DecodeLimits(cpu_s=2.5, pixels=10), lambda: None, clock=clock)
    budget.spend(0)
    clock.now_s = 102.5
    budget.spend(0)
    clock.now_s = 102.6

    with pytest.raises(DecodeBudgetExceeded) as refusal:
        budget.spend(0)

    assert str(refusal.value) == (
        "expected a tracklet that is decoded in 2.5 s of a core, received one that takes longer; "
        "send fewer or smaller frames, or raise REID_DECODE_BUDGET_S"
    )
    assert refusal.value.status == 422


def test_pixels_are_counted_over_all_pictures():
    budget = DecodeBudget(DecodeLimits(cpu_s=60, pixels=100), lambda: None)
    budget.spend(60)
    budget.spend(40)

    with pytest.raises(DecodeBudgetExceeded) as refusal:
        budget.spend(1)

    assert str(refusal.value) == (
        "expected at most 100 pixels in the frames of a tracklet, received more; "
        "send fewer or smaller frames, or raise REID_MAX_TRACKLET_PIXELS"
    )


def test_waiting_for_a_core_costs_nothing():
    """The processor time of the thread counts, so that a busy machine refuses nothing it took."""
    ran = []
    budget = DecodeBudget(DecodeLimits(cpu_s=0.5, pixels=1), lambda: ran.append(1))
    time.sleep(0.6)
    budget.spend(1)
    assert ran == [1]


def test_nothing_is_decoded_for_nobody():
    def gone():
        raise LookupError

    with pytest.raises(LookupError):
        DecodeBudget(DecodeLimits(cpu_s=60, pixels=100), gone).spend(0)
