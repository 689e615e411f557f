"""A real server on a real socket, whose connections have 0.3 s and 1 KiB for a head."""

import asyncio
import socket
import time

import pytest
import uvicorn
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from service.bounded_http import HttpLimits, bounded_http

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6\r\n\r\n"
SLOWER_S = 0.45


LIMITS = HttpLimits(
    max_connections=10, header_timeout_s=0.3, max_head_bytes=1024, stall_timeout_s=60
)


async def echo(scope, receive, send):
    body = await Request(scope, receive).body()
    late = Headers(scope=scope).get("x-late", "")
    await PlainTextResponse(body + late.encode() or b"nothing")(scope, receive, send)


def talking(talk):
    """What `talk(reader, writer)` returns against a running server."""

    async def run():
        listener = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(
            echo,
            http=bounded_http(LIMITS),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
        )
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            reader, writer = await asyncio.open_connection(*listener.getsockname())
            async with asyncio.timeout(10):
                return await talk(reader, writer)
        finally:
            writer.close()
            server.should_exit = True
            await serving

    return asyncio.run(run())


async def answer_of(reader):
    head = await reader.readuntil(b"\r\n\r\n")
    (length,) = [line for line in head.split(b"\r\n") if line.startswith(b"content-length")]
    return await reader.readexactly(int(length.split(b":")[1]))


@pytest.mark.parametrize("begun", [b"", b"GET / HTTP/1.1\r\nHost: loc"], ids=["nothing", "half"])
def test_a_head_that_does_not_come_in_time_ends_the_connection(begun):
    async def silent(reader, writer):
        writer.write(begun)
        began_s = time.monotonic()
        assert await reader.read() == b""
        return time.monotonic() - began_s

    assert 0.2 < talking(silent) < 5


def test_so_does_one_that_dribbles_behind_an_answered_request():
    async def dribble(reader, writer):
        writer.write(GET)
        answered = await answer_of(reader)
        for byte in GET[:-4]:
            writer.write(bytes([byte]))
            await asyncio.sleep(0.05)
            if reader.at_eof():
                break
        return answered, await reader.read()

    assert talking(dribble) == (b"nothing", b"")


def test_time_between_requests_and_for_bodies_is_not_the_heads():
    async def slow(reader, writer):
        answers = []
        for _ in range(2):
            writer.write(POST + b"abc")
            await asyncio.sleep(SLOWER_S)
            writer.write(b"def")
            answers.append(await answer_of(reader))
            await asyncio.sleep(SLOWER_S)
        return answers

    assert talking(slow) == [b"abcdef", b"abcdef"]


@pytest.mark.parametrize("many", [b"A: b\r\n" * 500, b"A: " + b"b" * 3000], ids=["many", "long"])
def test_a_head_that_is_too_large_is_told_so(many):
    async def large(reader, writer):
        writer.write(GET[:-2] + many)
        return await reader.read()

    assert talking(large).startswith(b"HTTP/1.1 431 ")


def test_each_head_is_counted_alone_and_bodies_are_not():
    async def several(reader, writer):
        answers = []
        for _ in range(5):
            body = b"x" * 3000
            head = b"POST / HTTP/1.1\r\nHost: localhost\r\nA: " + b"b" * 700
            writer.write(head + b"\r\nContent-Length: 3000\r\n\r\n")
            for part in (body[:2000], body[2000:]):
                await asyncio.sleep(0.01)
                writer.write(part)
            answers.append(await answer_of(reader) == body)
        return answers

    assert talking(several) == [True] * 5


CHUNKED = b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "endless", [b"0\r\n" + b"A: b\r\n" * 100, b"0\r\nA: ", b"3;"], ids=["many", "long", "chunk"]
)
def test_what_is_no_body_behind_a_head_is_bounded_as_the_head_is(endless):
    async def send_on(reader, writer):
        writer.write(CHUNKED + endless)
        answered = asyncio.create_task(reader.read())
        for _ in range(100):
            await asyncio.sleep(0.02)
            if answered.done():
                break
            writer.write(b"b" * 100)
        return await answered

    assert talking(send_on).startswith(b"HTTP/1.1 431 ")


def test_many_small_chunks_are_a_body_and_what_follows_them_is_no_header():
    seen = []

    async def small_chunks(reader, writer):
        writer.write(CHUNKED)
        for _ in range(300):
            writer.write(b"1;ignored\r\nx\r\n")
            await asyncio.sleep(0)
        writer.write(b"0\r\nX-Late: yes\r\n\r\n")
        seen.append(await answer_of(reader))
        writer.write(CHUNKED + b"1\r\nx\r\n0\r\nX-Late: yes\r\n\r\n")
        return await answer_of(reader)

    assert talking(small_chunks) == b"x"
    assert seen == [b"x" * 300]
