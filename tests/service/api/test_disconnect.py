import asyncio

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from service.api.disconnect import CancelWhenClientLeaves
from tests.asgi_exchange import exchange, http_scope


def slow_application(finished: list[str], work_s: float):
    async def application(scope, receive, send):
        await Request(scope, receive).body()
        try:
            await asyncio.sleep(work_s)
        except asyncio.CancelledError:
            finished.append("cancelled")
            raise
        finished.append("done")
        await PlainTextResponse("answer")(scope, receive, send)

    return CancelWhenClientLeaves(application)


def test_work_is_cancelled_when_the_client_leaves():
    finished: list[str] = []
    seen = exchange(slow_application(finished, 30), chunks=[b"a", b"b"], disconnect_after_s=0.01)
    assert finished == ["cancelled"]
    assert seen.messages == []


def test_a_client_that_waits_is_answered_and_the_watcher_ends():
    finished: list[str] = []
    seen = exchange(slow_application(finished, 0.01), chunks=[b"a", b"b"])
    assert finished == ["done"]
    assert (seen.status, seen.body) == (200, b"answer")


def test_the_application_sees_the_whole_body():
    async def echo(scope, receive, send):
        body = await Request(scope, receive).body()
        await PlainTextResponse(body)(scope, receive, send)

    assert exchange(CancelWhenClientLeaves(echo), chunks=[b"a", b"b", b"c"]).body == b"abc"


def test_an_error_of_the_application_comes_out_as_itself():
    async def broken(scope, receive, send):
        await Request(scope, receive).body()
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        exchange(CancelWhenClientLeaves(broken))


def test_a_body_that_is_not_read_is_not_asked_for():
    async def blind(scope, receive, send):
        await PlainTextResponse("blind")(scope, receive, send)

    assert exchange(CancelWhenClientLeaves(blind)).chunks_read == 0


def test_work_on_a_body_that_never_ends_is_cancelled_when_the_sender_leaves():
    """As lines are: they are worked on while more are awaited."""
    finished: list[str] = []

    async def work_on_lines(scope, receive, send):
        body = Request(scope, receive).stream()
        assert await anext(body) == b"a line"
        reading_on = asyncio.ensure_future(anext(body))
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            finished.append("cancelled")
            raise
        finally:
            await asyncio.gather(reading_on, return_exceptions=True)

    messages = [
        {"type": "http.request", "body": b"a line", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive():
        return messages.pop(0)

    async def send(_message):
        finished.append("sent")

    app = CancelWhenClientLeaves(work_on_lines)
    asyncio.run(asyncio.wait_for(app(http_scope({}), receive, send), 10))
    assert finished == ["cancelled"]
