import asyncio
import json

from fastapi import FastAPI, Request

from service.api.answers import AliveAnswer
from service.api.error_handlers import install_error_handlers
from service.api.lines_out import json_line, stream_lines
from service.gallery.gallery_errors import CapacityExceeded
from tests.asgi_exchange import exchange, http_scope


def test_an_answer_is_one_line():
    assert json_line(AliveAnswer(alive=True)) == b'{"alive":true}\n'


def _streamed(pieces, *, stall_s=5.0):
    app = FastAPI()
    install_error_handlers(app)

    @app.post("/")
    async def lines(request: Request):
        return await stream_lines(request, pieces(), stall_s=stall_s, headers={"X-Seq": "3"})

    return app


def test_pieces_follow_each_other_under_one_head():
    async def pieces():
        yield b"1\n"
        yield b"2\n"

    seen = exchange(_streamed(pieces))
    assert seen.status == 200
    assert seen.headers["content-type"] == "application/x-ndjson"
    assert seen.headers["x-seq"] == "3"
    assert "content-length" not in seen.headers
    assert seen.body == b"1\n2\n"


def test_nothing_to_say_is_an_empty_body():
    async def pieces():
        return
        yield b""

    seen = exchange(_streamed(pieces))
    assert (seen.status, seen.body) == (200, b"")


def _full():
    return CapacityExceeded(expected="room", received="none", remedy="delete some")


def test_an_error_before_the_first_piece_is_answered_as_any_other():
    async def pieces():
        raise _full()
        yield b""

    seen = exchange(_streamed(pieces))
    assert seen.status == 507
    assert json.loads(seen.body)["error"]["code"] == "capacity_exceeded"


def test_a_later_error_is_the_last_line():
    async def pieces():
        yield b"1\n"
        raise _full()

    seen = exchange(_streamed(pieces))
    assert seen.status == 200
    first, last = seen.body.splitlines()
    assert first == b"1"
    assert json.loads(last)["error"] == {
        "code": "capacity_exceeded",
        "message": "expected room, received none; delete some",
        "expected": "room",
        "received": "none",
        "remedy": "delete some",
        "request_id": None,
    }


def test_a_receiver_that_takes_nothing_is_left():
    made = []

    async def pieces():
        for number in range(100):
            made.append(number)
            yield b"line\n"

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    sent = []

    async def send(message):
        sent.append(message)
        if len(sent) > 3:
            await asyncio.sleep(60)

    app = _streamed(pieces, stall_s=0.2)
    asyncio.run(asyncio.wait_for(app(http_scope({}), receive, send), 10))
    assert len(made) < 5
    assert not any(message.get("more_body") is False for message in sent)
