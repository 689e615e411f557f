"""Clients that leave, dribble, or say half of what they began to say."""

import asyncio
import time
from urllib.parse import urlsplit

import httpx
import pytest

from tests.faults.faulty_service import Faults
from tests.faults.live_faults import embed_request, faulty_service
from tests.faults.requests_sent import ask, ask_all, counted

RUN_S = 0.3
CANCELLED_WITHIN_S = 0.5
CANCELLED = 'reid_items_dropped_total{reason="cancelled"}'
LEFT = 'reid_requests_total{method="POST",route="/embed",status="499"}'


@pytest.fixture(scope="module")
def service(artifact, tmp_path_factory):
    """A service that takes 0.3 s for each frame, so that requests wait."""
    data = tmp_path_factory.mktemp("data")
    with faulty_service(artifact, data, Faults(run_s=RUN_S), max_batch_frames=1) as running:
        yield running


@pytest.fixture(autouse=True)
def _goes_on(service):
    """After each of them the service answers as before, with nothing left of theirs."""
    yield
    after = asyncio.run(ask(service.url, embed_request()))
    assert after.status == 200, after
    assert after.seconds < RUN_S + 1.0


async def leave_after(url: str, request: bytes, seconds: float) -> float:
    """Send a request, leave without an answer, and say when that was."""
    where = urlsplit(url)
    _, writer = await asyncio.open_connection(where.hostname, where.port)
    writer.write(request)
    await asyncio.sleep(seconds)
    writer.transport.abort()
    return time.monotonic()


def test_who_leaves_is_cancelled_within_half_a_second_and_his_frames_are_not_computed(service):
    async def storm():
        leaving = [
            leave_after(service.url, embed_request(frames=4, **{"X-Request-ID": f"left-{n}"}), 0.4)
            for n in range(6)
        ]
        await asyncio.gather(*leaving)
        # 24 frames of those who left would take 7 s.
        return await ask(service.url, embed_request())

    dropped_before = count_of(service, CANCELLED)
    stays = asyncio.run(storm())
    assert stays.status == 200
    assert stays.seconds < 2 * RUN_S + CANCELLED_WITHIN_S
    for number in range(6):
        line = service.request_line(f"left-{number}")
        assert line["status"] == 499
        assert line["duration_s"] < 0.4 + CANCELLED_WITHIN_S
    # The first may have been computed already, and one frame of each lane's batch.
    assert count_of(service, CANCELLED) - dropped_before >= 12
    assert count_of(service, LEFT) >= 6


def count_of(service, metric):
    """A number of `/metrics`, 0 where it is not there yet."""
    for line in httpx.get(f"{service.admin_url}/metrics").text.splitlines():
        if line.startswith(metric):
            return float(line.rsplit(" ", 1)[1])
    return 0.0


def test_one_who_stays_among_those_who_leave_is_answered(service):
    async def mixed():
        leaving = [leave_after(service.url, embed_request(), 0.05) for _ in range(20)]
        _, *staying = await asyncio.gather(
            asyncio.gather(*leaving), *(ask(service.url, embed_request()) for _ in range(3))
        )
        return staying

    assert counted(asyncio.run(mixed())) == {200: 3}


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"POST /embed HTTP/1.1\r\nHost: localhost\r\n",
        b"POST /embed HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n"
        b"Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n",
    ],
    ids=["nothing", "half a head", "half a body"],
)
def test_a_hundred_that_begin_and_say_no_more_keep_nobody_from_being_served(service, begun):
    """Half of them close their side, which is a client that left; the others just stay."""

    async def crowded():
        where = urlsplit(service.url)
        idle = [await asyncio.open_connection(where.hostname, where.port) for _ in range(100)]
        for number, (_, writer) in enumerate(idle):
            writer.write(begun)
            if number % 2:
                writer.write_eof()
        served = await ask_all(service.url, [embed_request() for _ in range(3)])
        closed = await asyncio.gather(*(ends(reader) for reader, _ in idle[1::2]))
        for _, writer in idle:
            writer.transport.abort()
        return served, closed

    served, closed = asyncio.run(crowded())
    assert counted(served) == {200: 3}
    assert all(closed)


async def ends(reader: asyncio.StreamReader) -> bool:
    """Whether the service closes the connection, whatever it says before."""
    async with asyncio.timeout(5):
        await reader.read()
    return True
