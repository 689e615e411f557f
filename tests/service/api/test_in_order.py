import asyncio
import random

from hypothesis import given
from hypothesis import strategies as st

from service.api.in_order import in_order


async def chunks_of(*chunks):
    for chunk in chunks:
        yield chunk


async def told(chunks, work, width=3):
    return [ready async for ready in in_order(chunks, work, width=width)]


async def told_until_it_fails(chunks, work, why):
    got = []
    try:
        async for ready in in_order(chunks, work, width=4):
            got += ready
    except ValueError as error:
        assert str(error) == why  # noqa: PT017 what came before it is looked at too
        return got
    raise AssertionError("it did not fail")


class Workshop:
    """Works in real time, and knows how many things were under way at most."""

    def __init__(self, seed: int = 0):
        self.most = self.running = 0
        self._random = random.Random(seed)

    async def double(self, thing):
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(self._random.random() / 500)
        self.running -= 1
        return 2 * thing


@given(
    chunks=st.lists(st.lists(st.integers(0, 99), max_size=6), max_size=5),
    width=st.integers(1, 4),
    seed=st.integers(0, 99),
)
def test_every_thing_is_told_in_its_place_and_few_are_under_way(chunks, width, seed):
    workshop = Workshop(seed)

    def work(thing):
        return 2 * thing if thing % 3 == 0 else workshop.double(thing)

    lists = asyncio.run(told(chunks_of(*chunks), work, width))
    assert [one for ready in lists for one in ready] == [2 * one for all_ in chunks for one in all_]
    assert all(lists)
    assert workshop.most <= width


def test_what_needs_no_time_is_told_together():
    assert asyncio.run(told(chunks_of([1, 2, 3, 4, 5]), str, width=2)) == [list("12345")]


def test_more_come_while_the_first_are_worked_on_but_only_a_few():
    async def story():
        may_end = asyncio.Event()
        read = []

        async def chunks():
            for number in range(20):
                read.append(number)
                yield [number]

        async def slow(thing):
            await may_end.wait()
            return thing

        results = in_order(chunks(), lambda one: slow(one) if one == 0 else one, width=4)
        first = asyncio.ensure_future(anext(results))
        await asyncio.sleep(0.05)
        waited = list(read)
        may_end.set()
        await first
        rest = [one async for ready in results for one in ready]
        return waited, (await first) + rest

    waited, all_told = asyncio.run(story())
    assert 2 <= len(waited) <= 6
    assert all_told == list(range(20))


def test_a_sender_that_waits_for_each_answer_gets_it():
    async def story():
        answered = asyncio.Queue()

        async def chunks():
            for number in range(3):
                yield [number]
                assert await asyncio.wait_for(answered.get(), 5) == 2 * number

        workshop = Workshop()
        async for ready in in_order(chunks(), workshop.double, width=4):
            for one in ready:
                answered.put_nowait(one)

    asyncio.run(story())


def test_the_end_of_the_chunks_by_an_error_comes_after_the_results_before():
    async def story():
        async def chunks():
            yield [1, 2]
            raise ValueError("broken body")

        return await told_until_it_fails(chunks(), Workshop().double, "broken body")

    assert asyncio.run(story()) == [2, 4]


def test_a_failure_of_the_work_comes_in_its_place():
    async def story():
        async def work(thing):
            if thing == 3:
                raise ValueError("of three")
            return thing

        return await told_until_it_fails(chunks_of([1, 2, 3, 4]), work, "of three")

    assert asyncio.run(story()) == [1, 2]


def test_what_is_under_way_is_stopped_when_nobody_listens_any_more():
    async def story():
        stopped = []

        async def work(thing):
            if thing == 0:
                return thing
            try:
                await asyncio.sleep(60)
            finally:
                stopped.append(thing)
            return thing

        results = in_order(chunks_of([0, 1, 2, 3]), work, width=2)
        assert await anext(results) == [0]
        await asyncio.sleep(0.01)
        await results.aclose()
        return stopped, asyncio.all_tasks() - {asyncio.current_task()}

    stopped, left = asyncio.run(story())
    assert stopped == [1, 2]
    assert not left
