import asyncio
from dataclasses import dataclass, field

import pytest

from service.api.patient_embedding import embed_patiently
from service.api.request_urgency import Pace
from service.batching.urgency import Priority
from service.errors import DeadlineExceeded, Overloaded
from service.media.tracklet_source import EncodedFrames

SOURCE = EncodedFrames((b"a file",))


@dataclass
class FullAtFirst:
    """Stands for a runtime: refuses so many times, then embeds."""

    refusals: int
    retry_after_s: int | None
    asked: list[object] = field(default_factory=list)

    async def embed(self, source, *, urgency):
        self.asked.append(urgency)
        if len(self.asked) <= self.refusals:
            raise Overloaded(
                expected="room",
                received="none",
                remedy="wait",
                retry_after_s=self.retry_after_s,
            )
        return source


def embed(runtime: FullAtFirst, seconds: float):
    async def story():
        return await embed_patiently(runtime, SOURCE, *Pace(Priority.BULK, seconds).begin())

    return asyncio.run(story())


def test_a_full_service_is_asked_again_when_it_said():
    runtime = FullAtFirst(refusals=1, retry_after_s=1)
    assert embed(runtime, 30) is SOURCE
    assert len(runtime.asked) == 2
    assert runtime.asked[0] == runtime.asked[1]
    assert runtime.asked[0].priority is Priority.BULK
    assert runtime.asked[0].until_s is not None


def test_a_service_that_stays_full_is_told_at_once_not_after_the_time():
    runtime = FullAtFirst(refusals=9, retry_after_s=40)
    with pytest.raises(Overloaded):
        embed(runtime, 30)
    assert len(runtime.asked) == 1


def test_what_could_never_be_had_is_told_at_once():
    runtime = FullAtFirst(refusals=9, retry_after_s=None)
    with pytest.raises(Overloaded):
        embed(runtime, 30)
    assert len(runtime.asked) == 1


def test_the_time_bounds_the_embedding():
    class Stuck:
        async def embed(self, source, *, urgency):
            await asyncio.sleep(60)

    with pytest.raises(DeadlineExceeded):
        embed(Stuck(), 0.05)
