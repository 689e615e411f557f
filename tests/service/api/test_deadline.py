import asyncio

import pytest

from service.api.deadline import NOTHING_KEPT, OUTCOME_UNKNOWN, Deadline
from service.errors import DeadlineExceeded


def test_work_in_time_passes():
    async def work():
        async with Deadline(10).bounding(NOTHING_KEPT):
            return "done"

    assert asyncio.run(work()) == "done"


@pytest.mark.parametrize("remedy", [NOTHING_KEPT, OUTCOME_UNKNOWN])
def test_late_work_is_cut_short_with_the_steps_own_remedy(remedy):
    async def work():
        async with Deadline(0.01).bounding(remedy):
            await asyncio.sleep(10)

    with pytest.raises(DeadlineExceeded) as caught:
        asyncio.run(work())
    assert caught.value.expected == "an answer within 0.01 s"
    assert caught.value.received == "no answer in that time"
    assert caught.value.remedy == remedy


def test_the_steps_of_a_request_share_one_deadline():
    async def work():
        deadline = Deadline(0.05)
        async with deadline.bounding(NOTHING_KEPT):
            await asyncio.sleep(0.03)
        async with deadline.bounding(OUTCOME_UNKNOWN):
            await asyncio.sleep(0.03)

    with pytest.raises(DeadlineExceeded, match="outcome unknown: repeat the same request"):
        asyncio.run(work())


def test_a_timeout_of_something_else_is_not_taken_for_the_deadline():
    async def work():
        async with Deadline(10).bounding(NOTHING_KEPT):
            raise TimeoutError("a socket's own")

    with pytest.raises(TimeoutError, match="a socket's own"):
        asyncio.run(work())
