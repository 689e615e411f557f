"""Prebuilt requests over kept connections: by so many clients at a time, or at a set rate.

The generator shares the machine with the service that it measures, so it builds no request and
reads of an answer no more than it needs; what it costs is part of the result.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import numpy as np

_GOOD = frozenset({200, 201})
_MOST_CONNECTIONS = 1024
_END_OF_HEAD = b"\r\n\r\n"
_UNANSWERED_AFTER_S = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, as little of it as is counted.

    Attributes:
        status: Of HTTP.
        came_s: Since the start of the load.
        latency_s: Since the moment at which its request was due.
    """

    status: int
    came_s: float
    latency_s: float


@dataclass(slots=True)
class Load:
    """What came of a load.

    Attributes:
        measured_s: Length of the part that counts, which ends with the last request.
        skipped_s: Before it: queues and caches were filling.
        answers: All of them, skipped and late ones too.
        timed_out: Requests that got no answer in a minute.
        lost: Requests whose connection could not be made, or broke before the answer.
        client_cores: Cores that the generator kept busy.
    """

    skipped_s: float
    measured_s: float
    answers: list[Answer] = field(default_factory=list)
    timed_out: int = 0
    lost: int = 0
    client_cores: float = 0.0

    @property
    def unanswered(self) -> int:
        """Requests without an answer."""
        return self.timed_out + self.lost

    def per_s(self, *, within_s: float = float("inf")) -> float:
        """Good answers a second in the measured part, `within_s` of their request."""
        return len(self._good(within_s)) / self.measured_s

    def latency_ms(self, percent: float) -> float:
        """A percentile of the good answers' latency in the measured part.

        Raises:
            RuntimeError: When there is none.
        """
        good = self._good(float("inf"))
        if not good:
            raise RuntimeError(
                f"expected good answers, received {dict(self.statuses())} and "
                f"{self.unanswered} unanswered; measure for longer"
            )
        return float(np.percentile([1e3 * answer.latency_s for answer in good], percent))

    def statuses(self) -> Counter[int]:
        """How many answers have which status."""
        return Counter(answer.status for answer in self.answers)

    def _good(self, within_s: float) -> list[Answer]:
        until_s = self.skipped_s + self.measured_s
        return [
            answer
            for answer in self.answers
            if answer.status in _GOOD
            and self.skipped_s <= answer.came_s < until_s
            and answer.latency_s <= within_s
        ]


async def closed_load(
    url: str, requests: Sequence[bytes], *, clients: int, seconds: float, skipped_s: float = 1.0
) -> Load:
    """`clients` that each send the next request as soon as they have an answer."""
    run = _Run(url, Load(skipped_s, seconds))
    ends_s = skipped_s + seconds

    async def ask(first: int) -> None:
        turn = first
        while (due_s := run.now_s()) < ends_s:
            await run.ask(requests[turn % len(requests)], due_s)
            turn += clients

    await run.over(asyncio.gather(*(ask(first) for first in range(clients))))
    return run.load


async def open_load(
    url: str, requests: Sequence[bytes], *, per_s: float, seconds: float, skipped_s: float = 1.0
) -> Load:
    """Requests at random moments, `per_s` a second on average, whatever becomes of the others."""
    run = _Run(url, Load(skipped_s, seconds))
    drawn = random.Random(0)

    async def ask_all() -> None:
        due_s, turn = 0.0, 0
        async with asyncio.TaskGroup() as asking:
            while (due_s := due_s + drawn.expovariate(per_s)) < skipped_s + seconds:
                await asyncio.sleep(due_s - run.now_s())
                asking.create_task(run.ask(requests[turn % len(requests)], due_s))
                turn += 1

    await run.over(ask_all())
    return run.load


class _Run:
    """Idle connections, and the clock of one load."""

    def __init__(self, url: str, load: Load) -> None:
        parts = urlsplit(url)
        self.load = load
        self._address = (parts.hostname or "", parts.port or 80)
        self._idle: list[_Connection] = []
        self._opened: list[_Connection] = []
        self._room = asyncio.Semaphore(_MOST_CONNECTIONS)
        self._started_s = time.perf_counter()
        self._started_cpu_s = time.process_time()

    def now_s(self) -> float:
        return time.perf_counter() - self._started_s

    async def ask(self, request: bytes, due_s: float) -> None:
        """Send the request, and count its answer."""
        async with self._room:
            try:
                connection = await self._connection()
                async with asyncio.timeout(_UNANSWERED_AFTER_S):
                    status = await connection.ask(request)
            except TimeoutError:
                self.load.timed_out += 1
                await connection.close()
                return
            except OSError:
                self.load.lost += 1
                return
        now_s = self.now_s()
        self.load.answers.append(Answer(status, now_s, now_s - due_s))
        self._idle.append(connection)

    async def over(self, asking: Awaitable[object]) -> None:
        """Wait for the last answer, and leave."""
        await asking
        elapsed_s = self.now_s()
        self.load.client_cores = (time.process_time() - self._started_cpu_s) / elapsed_s
        for connection in self._opened:
            await connection.close()

    async def _connection(self) -> "_Connection":
        """An idle one that the server has not closed, or a new one."""
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open:
                return connection
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(_Connection, *self._address)
        self._opened.append(connection)
        return connection


class _Connection(asyncio.Protocol):
    """Carries one request at a time; an answer must state its length."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._lost = asyncio.Event()
        self._received = bytearray()
        self._whole: int | None = None
        self._status: asyncio.Future[int] | None = None

    @property
    def is_open(self) -> bool:
        """Whether another request can be sent."""
        return self._transport is not None and not self._transport.is_closing()

    async def ask(self, request: bytes) -> int:
        """The status of the answer to these bytes.

        Raises:
            OSError: When the connection is lost before the answer is whole.
        """
        assert self._transport is not None
        self._status = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._status

    async def close(self) -> None:
        """Close it, unless that has happened."""
        if self._transport is not None:
            self._transport.abort()
            await self._lost.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._whole is None:
            end = self._received.find(_END_OF_HEAD)
            if end < 0:
                return
            stated = _stated_length(bytes(self._received[:end]))
            if stated is None:
                self._settle(ConnectionError("expected an answer that states its length"))
                return
            self._whole = end + len(_END_OF_HEAD) + stated
        if len(self._received) >= self._whole:
            status = int(self._received[9:12])
            del self._received[: self._whole]
            self._whole = None
            self._settle(status)

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost.set()
        self._settle(exc or ConnectionResetError("closed before the answer"))

    def _settle(self, result: int | Exception) -> None:
        if self._status is None or self._status.done():
            return
        if isinstance(result, int):
            self._status.set_result(result)
        else:
            self._status.set_exception(result)


def _stated_length(head: bytes) -> int | None:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return None
