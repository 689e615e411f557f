import asyncio
import time
from contextlib import asynccontextmanager

import pytest

from benchmarks.http_load import Answer, Load, closed_load, open_load

REQUEST = b"POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody"


@asynccontextmanager
async def server(answer, *, delay_s=0.0, closes=False):
    """Answers every `REQUEST` with `answer`, which may cut the connection by being empty."""
    seen = []

    async def serve(reader, writer):
        seen.append(0)
        while await reader.read(len(REQUEST)):
            seen[-1] += 1
            await asyncio.sleep(delay_s)
            if not answer:
                break
            middle = len(answer) // 2
            writer.write(answer[:middle])
            await writer.drain()
            await asyncio.sleep(0)
            writer.write(answer[middle:])
            if closes:
                break
        writer.close()
        await asyncio.wait([asyncio.ensure_future(writer.wait_closed())])

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        host, port = listening.sockets[0].getsockname()
        yield f"http://{host}:{port}", seen


def answer_of(status, body=b"12345"):
    head = f"HTTP/1.1 {status} Words\r\ncontent-type: x\r\nContent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def test_clients_that_wait_keep_their_connections_and_are_all_counted():
    async def run():
        async with server(answer_of(200), delay_s=0.02) as (url, seen):
            load = await closed_load(url, [REQUEST], clients=3, seconds=0.5, skipped_s=0.1)
            return load, seen

    load, seen = asyncio.run(run())
    assert len(seen) == 3
    assert sum(seen) == len(load.answers) == load.statuses()[200]
    assert 0 < load.per_s() <= 3 / 0.02
    assert load.latency_ms(50) >= 20
    assert load.unanswered == 0
    assert 0 < load.client_cores < 1


def test_a_set_rate_does_not_wait_for_a_slow_server_and_counts_from_when_a_request_was_due():
    async def run():
        async with server(answer_of(200), delay_s=0.5) as (url, seen):
            load = await open_load(url, [REQUEST], per_s=60, seconds=0.5, skipped_s=0)
            return load, seen

    load, seen = asyncio.run(run())
    assert 15 < sum(seen) < 50
    assert len(seen) == sum(seen) == len(load.answers)
    assert min(answer.latency_s for answer in load.answers) >= 0.5


def test_a_generator_that_is_held_up_counts_the_time_that_its_requests_were_late():
    async def run():
        async with server(answer_of(200)) as (url, _):
            asking = open_load(url, [REQUEST], per_s=100, seconds=0.6, skipped_s=0)
            task = asyncio.create_task(asking)
            await asyncio.sleep(0.2)
            time.sleep(0.3)
            return await task

    assert max(answer.latency_s for answer in asyncio.run(run()).answers) > 0.2


def test_a_connection_that_the_server_closed_is_not_used_again():
    async def run():
        async with server(answer_of(200), closes=True) as (url, seen):
            return await open_load(url, [REQUEST], per_s=10, seconds=1.5, skipped_s=0), seen

    load, seen = asyncio.run(run())
    assert load.unanswered <= 1  # sent before the close was heard of
    assert len(seen) >= len(load.answers) > 4


def test_refusals_and_lost_connections_are_not_good_answers():
    async def refused():
        async with server(answer_of(429)) as (url, _):
            return await closed_load(url, [REQUEST], clients=1, seconds=0.1, skipped_s=0)

    load = asyncio.run(refused())
    assert load.per_s() == 0
    assert set(load.statuses()) == {429}
    with pytest.raises(RuntimeError, match="expected good answers, received {429: "):
        load.latency_ms(50)

    async def cut():
        async with server(b"") as (url, _):
            return await closed_load(url, [REQUEST], clients=1, seconds=0.1, skipped_s=0)

    load = asyncio.run(cut())
    assert load.answers == []
    assert load.unanswered > 0


def test_only_the_measured_part_and_what_came_in_time_counts():
    load = Load(skipped_s=1, measured_s=2)
    load.answers += [Answer(200, came_s, 0.1) for came_s in (0.5, 1.0, 2.9, 3.0)]
    load.answers += [Answer(201, 2.0, 5.0), Answer(503, 2.0, 0.1)]
    assert load.per_s() == 3 / 2
    assert load.per_s(within_s=0.1) == 2 / 2
    assert load.latency_ms(100) == 5000


def test_an_answer_without_a_length_is_told_apart():
    async def run():
        async with server(b"HTTP/1.1 200 OK\r\nX: y\r\n\r\n") as (url, _):
            return await closed_load(url, [REQUEST], clients=1, seconds=0.2, skipped_s=0)

    assert asyncio.run(run()).unanswered > 0
