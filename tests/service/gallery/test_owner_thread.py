import asyncio
import threading
import time

import pytest

from service.errors import NotReady, Overloaded
from service.gallery.owner_thread import OwnerThread


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 20))


def nothing() -> None:
    pass


def test_all_work_is_done_in_order_on_one_thread():
    async def main():
        thread = OwnerThread("owner", most_waiting=100)
        done: list[int] = []

        def work(number: int) -> int:
            done.append(number)
            return threading.get_ident()

        names = await asyncio.gather(*(thread.run(lambda n=n: work(n)) for n in range(50)))
        await thread.close(nothing)
        return done, set(names)

    done, threads = run(main())
    assert done == list(range(50))
    assert len(threads) == 1
    assert threading.get_ident() not in threads


def test_an_error_reaches_its_caller_and_the_thread_goes_on():
    async def main():
        thread = OwnerThread("owner", most_waiting=2)
        for _ in range(5):
            with pytest.raises(ZeroDivisionError):
                await thread.run(lambda: 1 // 0)
        assert await thread.run(lambda: 7) == 7
        await thread.close(nothing)

    run(main())


def test_too_much_waiting_work_is_refused_with_a_time_to_come_back():
    async def main():
        thread = OwnerThread("owner", most_waiting=2)
        await thread.run(lambda: time.sleep(0.6))
        gate = threading.Event()
        waiting = [asyncio.create_task(thread.run(gate.wait)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded) as caught:
            await thread.run(nothing)
        gate.set()
        await asyncio.gather(*waiting)
        await thread.run(nothing)
        await thread.close(nothing)
        return caught.value

    error = run(main())
    assert error.expected == "at most 2 requests waiting for the gallery"
    assert error.received == "one more"
    assert error.retry_after_s == 2


def test_cancelled_work_is_taken_back_before_it_begins_and_finished_after():
    async def main():
        thread = OwnerThread("owner", most_waiting=2)
        begun, gate, done = threading.Event(), threading.Event(), []

        def first() -> None:
            begun.set()
            gate.wait()
            done.append("first")

        running = asyncio.create_task(thread.run(first))
        queued = asyncio.create_task(thread.run(lambda: done.append("queued")))
        assert await asyncio.to_thread(begun.wait, 10)
        for task in (running, queued):
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        # The place of the one taken back is free; that of the running one is not.
        last = asyncio.create_task(thread.run(lambda: done.append("last")))
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await thread.run(nothing)
        gate.set()
        await last
        await thread.close(nothing)
        return done

    assert run(main()) == ["first", "last"]


def test_closing_finishes_what_waits_then_does_the_last_work_once():
    async def main():
        thread = OwnerThread("owner", most_waiting=9)
        done: list[str] = []
        work = [asyncio.create_task(thread.run(lambda: done.append("work"))) for _ in range(3)]
        await asyncio.sleep(0)
        await thread.close(lambda: done.append("last"))
        await thread.close(lambda: done.append("again"))
        await asyncio.gather(*work)
        with pytest.raises(NotReady) as caught:
            await thread.run(nothing)
        return done, caught.value

    done, error = run(main())
    assert done == ["work", "work", "work", "last"]
    assert error.received == "a request while the service stops"
    assert error.retry_after_s == 1


def test_a_cancelled_close_still_does_the_last_work():
    async def main():
        thread = OwnerThread("owner", most_waiting=9)
        gate, closed = threading.Event(), threading.Event()
        work = asyncio.create_task(thread.run(gate.wait))
        await asyncio.sleep(0)
        closing = asyncio.create_task(thread.close(closed.set))
        await asyncio.sleep(0)
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
        gate.set()
        await work
        return await asyncio.to_thread(closed.wait, 10)

    assert run(main())
