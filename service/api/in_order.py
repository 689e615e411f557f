"""Work on many things, a few at a time, told in the order in which the things came."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

Thing = TypeVar("Thing")
Result = TypeVar("Result")


async def in_order(
    chunks: AsyncIterator[Sequence[Thing]],
    work: Callable[[Thing], Coroutine[None, None, Result] | Result],
    *,
    width: int,
) -> AsyncGenerator[list[Result], None]:
    """Results as they are ready, those that are ready together in one list.

    The next chunk is read while the things of this one are worked on, so a sender that waits for
    an answer before it sends more is answered, and one that does not is slowed down.

    Args:
        chunks: Where the things come from.
        work: What is done with one: a coroutine, or at once the result.
        width: Coroutines that run at a time.

    Raises:
        Exception: Of `chunks`, once the results of what came before have been told; of `work`, in
            its place.
    """
    queue = _Queue(work, width)
    reader = _Reader(chunks)
    try:
        while True:
            queue.start_some()
            if ready := queue.take_ready():
                yield ready
                continue
            if queue.has_room:
                reader.read_on()
            watched = [task for task in (reader.reading, queue.first) if task is not None]
            if not watched:
                break
            await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
            queue.waiting.extend(reader.take())
    finally:
        await _cancelled([*queue.started, *([reader.reading] if reader.reading else [])])
    if reader.failure is not None:
        raise reader.failure


@dataclass(slots=True)
class _Reader(Generic[Thing]):
    """Reads one chunk at a time, until there is none or reading fails."""

    chunks: AsyncIterator[Sequence[Thing]]
    reading: asyncio.Task[Sequence[Thing] | None] | None = None
    failure: Exception | None = None
    ended: bool = False

    def read_on(self) -> None:
        """Begin with the next chunk, unless one is being read."""
        if self.reading is None and not self.ended:
            self.reading = asyncio.ensure_future(_next_chunk(self.chunks))

    def take(self) -> Sequence[Thing]:
        """The things of a chunk that has come."""
        if self.reading is None or not self.reading.done():
            return ()
        self.failure = _failure_of(self.reading)
        chunk = None if self.failure is not None else self.reading.result()
        self.reading, self.ended = None, chunk is None
        return chunk or ()


@dataclass(slots=True)
class _Queue(Generic[Thing, Result]):
    """What waits, and what was started, in order."""

    work: Callable[[Thing], Coroutine[None, None, Result] | Result]
    width: int
    waiting: deque[Thing] = field(default_factory=deque)
    started: deque[asyncio.Future[Result]] = field(default_factory=deque)

    @property
    def has_room(self) -> bool:
        """Whether more may come; results that wait for one before them are not piled up."""
        return not self.waiting and len(self.started) <= self.width

    @property
    def first(self) -> asyncio.Future[Result] | None:
        """The one that the results behind it wait for."""
        return self.started[0] if self.started else None

    def start_some(self) -> None:
        running = sum(not each.done() for each in self.started)
        while self.waiting and running < self.width:
            begun = self.work(self.waiting.popleft())
            if asyncio.iscoroutine(begun):
                self.started.append(asyncio.ensure_future(begun))
                running += 1
            else:
                self.started.append(_at_once(begun))

    def take_ready(self) -> list[Result]:
        """The results at the front that are there; a failure is raised once it is the first."""
        taken: list[Result] = []
        while self.started and self.started[0].done():
            if taken and self.started[0].exception() is not None:
                break
            taken.append(self.started.popleft().result())
        return taken


def _at_once(result: Result) -> asyncio.Future[Result]:
    future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
    future.set_result(result)
    return future


async def _next_chunk(chunks: AsyncIterator[Sequence[Thing]]) -> Sequence[Thing] | None:
    return await anext(chunks, None)


def _failure_of(task: asyncio.Task[Sequence[Thing] | None]) -> Exception | None:
    error = task.exception()
    return error if isinstance(error, Exception) else None


async def _cancelled(tasks: Sequence[asyncio.Future[Any]]) -> None:
    for task in tasks:
        task.cancel()
    for task in tasks:
        with suppress(asyncio.CancelledError, Exception):
            await task
