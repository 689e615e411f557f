import asyncio
import threading
import time

import pytest

from service.errors import NotReady, Overloaded
from service.gallery.bounded_pool import BoundedPool
from service.stage_times import collecting


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 20))


def nothing() -> None:
    pass


def test_as_much_runs_at_a_time_as_there_are_threads():
    async def main():
        pool = BoundedPool("work", threads=3, most_waiting=100)
        together = threading.Barrier(3)
        await asyncio.gather(*(pool.run(lambda: together.wait(10)) for _ in range(3)))
        names = await asyncio.gather(*(pool.run(threading.get_ident) for _ in range(50)))
        await pool.close()
        return set(names)

    threads = run(main())
    assert 1 <= len(threads) <= 3
    assert threading.get_ident() not in threads


def test_an_error_reaches_its_caller_and_the_threads_go_on():
    async def main():
        pool = BoundedPool("work", threads=1, most_waiting=2)
        for _ in range(5):
            with pytest.raises(ZeroDivisionError):
                await pool.run(lambda: 1 // 0)
        assert await pool.run(lambda: 7) == 7
        await pool.close()

    run(main())


def test_too_much_waiting_work_is_refused_with_a_time_to_come_back():
    async def main():
        pool = BoundedPool("searches", threads=1, most_waiting=2)
        await pool.run(lambda: time.sleep(0.6))
        gate = threading.Event()
        waiting = [asyncio.create_task(pool.run(gate.wait)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded) as caught:
            await pool.run(nothing)
        gate.set()
        await asyncio.gather(*waiting)
        await pool.run(nothing)
        await pool.close()
        return caught.value

    error = run(main())
    assert error.expected == "at most 2 requests waiting for searches"
    assert error.received == "one more"
    assert error.retry_after_s == 2


def test_cancelled_work_is_taken_back_before_it_begins_and_finished_after():
    async def main():
        pool = BoundedPool("work", threads=1, most_waiting=2)
        begun, gate, done = threading.Event(), threading.Event(), []

        def first() -> None:
            begun.set()
            gate.wait()
            done.append("first")

        running = asyncio.create_task(pool.run(first))
        queued = asyncio.create_task(pool.run(lambda: done.append("queued")))
        assert await asyncio.to_thread(begun.wait, 10)
        for task in (running, queued):
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        # The place of the one taken back is free; that of the running one is not.
        last = asyncio.create_task(pool.run(lambda: done.append("last")))
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await pool.run(nothing)
        gate.set()
        await last
        await pool.close()
        return done

    assert run(main()) == ["first", "last"]


def test_closing_finishes_what_waits_and_takes_nothing_more():
    async def main():
        pool = BoundedPool("work", threads=1, most_waiting=9)
        done: list[str] = []
        work = [asyncio.create_task(pool.run(lambda: done.append("work"))) for _ in range(3)]
        await asyncio.sleep(0)
        await pool.close()
        assert done == ["work"] * 3
        await pool.close()
        await asyncio.gather(*work)
        with pytest.raises(NotReady) as caught:
            await pool.run(nothing)
        return caught.value

    error = run(main())
    assert error.received == "a request while the service stops"
    assert error.retry_after_s == 1


def test_the_stage_of_a_request_is_timed_with_its_wait_for_a_thread():
    async def story():
        pool = BoundedPool("searches", threads=1, most_waiting=9, stage="search")
        with collecting() as times:
            await asyncio.gather(*(pool.run(lambda: time.sleep(0.05)) for _ in range(2)))
        await pool.close()
        return times.seconds

    taken = asyncio.run(story())
    assert list(taken) == ["search"]
    assert 0.14 < taken["search"] < 5
