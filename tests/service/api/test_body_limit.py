import asyncio

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from service.api.body_limit import BodyLimit, StreamedBodies, body_too_large
from service.errors import BodyTooLarge, Overloaded, UnsupportedMediaType
from tests.asgi_exchange import exchange, http_scope


async def count_bytes(scope, receive, send):
    body = await Request(scope, receive).body()
    await PlainTextResponse(str(len(body)))(scope, receive, send)


async def ignore_body(scope, receive, send):
    await PlainTextResponse("unread")(scope, receive, send)


LIMITED = BodyLimit(count_bytes, max_bytes=10, max_held_bytes=15)


@pytest.mark.parametrize("chunks", [[b"x" * 10], [b"x" * 5, b"x" * 5], [b""]])
def test_a_body_at_the_limit_passes(chunks):
    assert exchange(LIMITED, chunks=chunks).body == str(sum(map(len, chunks))).encode()


def test_a_stated_length_over_the_limit_is_refused_before_a_byte_is_read():
    read = []

    async def receiving(scope, receive, send):
        async def spying():
            read.append(1)
            return await receive()

        await LIMITED(scope, spying, send)

    with pytest.raises(BodyTooLarge) as caught:
        exchange(receiving, chunks=[b"x" * 11], headers={"Content-Length": "11"})
    assert not read
    assert caught.value.expected == "at most 10 bytes"
    assert caught.value.received == "a body of 11 bytes"
    assert "fewer or smaller frames" in caught.value.remedy


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "identity, gzip"])
def test_a_packed_body_is_refused_and_not_unpacked(encoding):
    with pytest.raises(UnsupportedMediaType) as caught:
        exchange(LIMITED, chunks=[b"x"], headers={"Content-Encoding": encoding})
    assert str(caught.value) == (
        f"expected a body without Content-Encoding, received {encoding!r}; "
        "send it as it is: pictures are compressed already"
    )
    assert exchange(LIMITED, chunks=[b"x"], headers={"Content-Encoding": "Identity"}).body == b"1"


def test_an_unstated_length_is_counted_while_it_streams_and_reading_stops():
    read = []

    async def receiving(scope, receive, send):
        async def spying():
            read.append(1)
            return await receive()

        await LIMITED(scope, spying, send)

    with pytest.raises(BodyTooLarge, match="received more than 10 bytes"):
        exchange(receiving, chunks=[b"x" * 6] * 5)
    assert len(read) == 2


def test_a_lying_length_does_not_help():
    with pytest.raises(BodyTooLarge):
        exchange(LIMITED, chunks=[b"x" * 11], headers={"Content-Length": "1"})


def test_a_body_nobody_reads_is_nobodys_problem():
    limited = BodyLimit(ignore_body, max_bytes=10, max_held_bytes=15)
    assert exchange(limited, headers={"Content-Length": "99"}).body == b"unread"


def test_the_error_says_what_was_too_large():
    assert str(body_too_large(5, "a larger part")).startswith(
        "expected at most 5 bytes, received a larger part; "
    )


def test_bodies_held_together_are_bounded_and_released_after_the_answer():
    """Three requests of 6, 6 and 3 bytes against 15: the first two fill it up to 12."""

    async def story():
        release = asyncio.Event()

        async def hold_body(scope, receive, send):
            await receive()
            await release.wait()

        limited = BodyLimit(hold_body, max_bytes=10, max_held_bytes=15)

        async def one(size: int, *, stated: bool = True):
            async def receive():
                return {"type": "http.request", "body": b"x" * size, "more_body": False}

            headers = {"Content-Length": str(size)} if stated else {}
            await limited(http_scope(headers), receive, None)

        first = [asyncio.create_task(one(6)) for _ in range(2)]
        await asyncio.sleep(0)
        for size, stated in ((4, True), (1, False)):
            with pytest.raises(Overloaded) as caught:
                await one(size, stated=stated)
            assert caught.value.expected == "at most 15 bytes of uploads at a time"
            assert caught.value.received == f"{size if stated else 10} more beside 12"
            assert caught.value.remedy == "send the request again later"
            assert caught.value.retry_after_s == 1
        last = asyncio.create_task(one(3))
        await asyncio.sleep(0)
        assert not last.done()
        release.set()
        await asyncio.gather(*first, last)
        await one(10)

    asyncio.run(asyncio.wait_for(story(), 5))


def test_an_idle_service_takes_a_body_of_any_accepted_size():
    limited = BodyLimit(count_bytes, max_bytes=10, max_held_bytes=1)
    assert exchange(limited, chunks=[b"x" * 10]).body == b"10"
    assert exchange(limited, chunks=[b"x" * 10]).body == b"10"


STREAMED = StreamedBodies(path_ends=("/lines",), max_bytes=100, max_held_bytes=4)


def test_a_streamed_body_may_be_larger_than_what_is_held_of_it():
    limited = BodyLimit(count_bytes, max_bytes=10, max_held_bytes=15, streamed=STREAMED)
    for headers in ({}, {"Content-Length": "100"}):
        seen = exchange(limited, chunks=[b"x" * 20] * 5, headers=headers, path="/a/lines")
        assert seen.body == b"100"
    with pytest.raises(BodyTooLarge, match="at most 100 bytes"):
        exchange(limited, chunks=[b"x" * 20] * 6, path="/a/lines")
    with pytest.raises(BodyTooLarge, match="a body of 101 bytes"):
        exchange(limited, chunks=[b"x"], headers={"Content-Length": "101"}, path="/a/lines")
    with pytest.raises(BodyTooLarge, match="at most 10 bytes"):
        exchange(limited, chunks=[b"x" * 20], path="/a/lines/other")


def test_of_a_streamed_body_only_what_is_held_counts_beside_others():
    limited = BodyLimit(count_bytes, max_bytes=10, max_held_bytes=15, streamed=STREAMED)
    limited._held_bytes = 11  # the bodies of others, which are held whole
    assert exchange(limited, chunks=[b"x" * 20], path="/lines").body == b"20"
    with pytest.raises(Overloaded, match="10 more beside 11"):
        exchange(limited, chunks=[b"x"])
