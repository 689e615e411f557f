import asyncio
import json

import pytest
from starlette.responses import PlainTextResponse

from service.api.cut_short import AnswerWhenCutShort
from tests.asgi_exchange import http_scope


def cancelled_in(application):
    """What was sent by the time the request's task had been cancelled, and the task."""
    sent = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    async def run():
        serving = asyncio.create_task(
            AnswerWhenCutShort(application)(http_scope({}), receive, send)
        )
        await asyncio.sleep(0.01)
        serving.cancel()
        await asyncio.wait([serving])
        return serving

    return sent, asyncio.run(run())


def test_a_request_that_is_cut_short_is_told_to_come_again():
    async def slow(scope, receive, send):
        await asyncio.sleep(30)

    (start, body), serving = cancelled_in(slow)
    assert not serving.cancelled()
    assert start["status"] == 503
    assert (b"retry-after", b"1") in start["headers"]
    error = json.loads(body["body"])["error"]
    assert error["code"] == "not_ready"
    assert error["message"] == (
        "expected an answer before the service stops, received a stop that cannot wait for it any "
        "longer; send the request again later; a write may have been made, and its key tells"
    )


def test_an_answer_that_has_begun_is_left_as_it_is():
    async def streaming(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.sleep(30)

    (start,), serving = cancelled_in(streaming)
    assert start["status"] == 200
    assert serving.cancelled()


def test_an_answer_that_is_not_cut_short_goes_through():
    async def quick(scope, receive, send):
        await PlainTextResponse("answer")(scope, receive, send)

    (start, body), _ = cancelled_in(quick)
    assert (start["status"], body["body"]) == (200, b"answer")


def test_an_error_comes_out_as_itself():
    async def broken(scope, receive, send):
        raise LookupError("mine")

    _, serving = cancelled_in(broken)
    with pytest.raises(LookupError, match="mine"):
        serving.result()
