import asyncio
import time

import pytest

from service.stage_times import StageTimes, collecting, report, timed


def test_what_is_reported_within_is_collected_in_order():
    with collecting() as times:
        report("queue", 0.5)
        report("decode", 0.25)
        report("queue", 0.25)
    assert list(times.seconds.items()) == [("queue", 0.75), ("decode", 0.25)]


def test_where_nobody_collects_nothing_happens():
    with collecting() as times:
        pass
    report("queue", 1.0)
    assert times.seconds == {}


def test_a_stage_is_timed_also_when_it_fails():
    @timed("store")
    def failing():
        time.sleep(0.01)
        raise LookupError

    with collecting() as times, pytest.raises(LookupError):
        failing()
    assert times.seconds["store"] >= 0.01


def test_a_stage_reaches_from_its_first_beginning_to_its_last_end():
    times = StageTimes()
    times.add("inference", 1.0, ended_s=11.0)
    times.add("inference", 1.0, ended_s=14.0)
    times.add("inference", 3.0, ended_s=12.0)
    taken = times.stages["inference"]
    assert (taken.began_s, taken.ended_s, taken.seconds) == (9.0, 14.0, 5.0)


def test_a_stage_that_ended_before_another_lies_before_it():
    with collecting() as times:
        report("queue", 2.0, ended_ago_s=1.0)
        report("inference", 1.0)
    queue, inference = times.stages["queue"], times.stages["inference"]
    assert queue.ended_s == pytest.approx(inference.began_s, abs=0.05)
    assert queue.began_s == pytest.approx(inference.ended_s - 3, abs=0.05)


def test_tasks_of_a_request_report_to_it_and_two_requests_apart():
    async def request(seconds):
        with collecting() as times:
            await asyncio.gather(*(asyncio.create_task(stage(seconds)) for _ in range(2)))
        return times.seconds

    async def stage(seconds):
        await asyncio.sleep(0)
        report("search", seconds)

    async def story():
        return await asyncio.gather(request(1.0), request(2.0))

    assert asyncio.run(story()) == [{"search": 2.0}, {"search": 4.0}]
