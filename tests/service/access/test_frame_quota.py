import asyncio

import pytest

from service.access.frame_quota import frames_counted_by, spend_frames


def test_outside_of_a_request_nothing_is_counted():
    counted = []
    with frames_counted_by(counted.append):
        spend_frames(3)
    spend_frames(5)
    assert counted == [3]


def test_requests_side_by_side_are_counted_apart():
    async def request(frames):
        counted = []
        with frames_counted_by(counted.append):
            await asyncio.sleep(0)
            await asyncio.create_task(_embed(frames))
        return counted

    async def together():
        return await asyncio.gather(request(1), request(2))

    assert asyncio.run(together()) == [[1], [2]]


async def _embed(frames):
    spend_frames(frames)


def test_a_refusal_reaches_who_embeds_and_ends_the_counting():
    def refuse(frames):
        raise LookupError(frames)

    with pytest.raises(LookupError), frames_counted_by(refuse):
        spend_frames(7)
    spend_frames(7)
