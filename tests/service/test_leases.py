import asyncio

import pytest

from service.leases import Leased


def test_a_thing_is_idle_when_its_last_user_has_left_however_it_left():
    async def use(leased, leave):
        with leased.lease() as thing:
            assert thing == "model"
            await leave.wait()
            raise LookupError

    async def story():
        leased = Leased("model")
        await asyncio.wait_for(leased.idle(), 1)
        leaving = [asyncio.Event(), asyncio.Event()]
        users = [asyncio.create_task(use(leased, leave)) for leave in leaving]
        await asyncio.sleep(0)
        waiting = asyncio.create_task(leased.idle())
        for left, (user, leave) in enumerate(zip(users, leaving, strict=True)):
            assert leased.users == 2 - left
            assert not waiting.done()
            leave.set()
            with pytest.raises(LookupError):
                await user
        await asyncio.wait_for(waiting, 1)
        assert leased.users == 0

    asyncio.run(story())
