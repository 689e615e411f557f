import json

import pytest
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from service.api.answers import ErrorAnswer
from service.api.error_handlers import install_error_handlers
from service.api.request_log import RequestLog
from service.errors import InferenceFailed, InvalidQuery, ReidError
from service.gallery.gallery_errors import StoreUnavailable
from service.log import JsonLines
from tests.asgi_exchange import Exchange, exchange
from tests.error_tree import every_error


def answer_to(error: Exception) -> Exchange:
    """The answer of an application whose only route raises `error`."""
    app = FastAPI()
    app.add_middleware(RequestLog)
    install_error_handlers(app)

    @app.post("/")
    async def fail(count: int = 0) -> None:
        raise error

    return exchange(app)


def detail(seen: Exchange):
    return ErrorAnswer.model_validate_json(seen.body).error


@pytest.mark.parametrize("kind", every_error())
def test_every_error_has_one_body_with_its_status_and_code(kind):
    error = kind.__new__(kind)
    ReidError.__init__(error, expected="a", received="b", remedy="c")
    seen = answer_to(error)
    assert seen.status == kind.status
    assert seen.headers["content-type"] == "application/json"
    assert json.loads(seen.body) == {
        "error": {
            "code": kind.code,
            "message": "expected a, received b; c",
            "expected": "a",
            "received": "b",
            "remedy": "c",
            "request_id": seen.headers["x-request-id"],
        }
    }
    assert "retry-after" not in seen.headers


def test_retry_after_is_a_header():
    seen = answer_to(ReidError(expected="a", received="b", remedy="c", retry_after_s=7))
    assert seen.headers["retry-after"] == "7"


def test_an_unexpected_failure_tells_the_log_everything_and_the_caller_nothing(caplog):
    sent = []
    app = FastAPI()
    app.add_middleware(RequestLog)
    install_error_handlers(app)

    @app.post("/")
    async def fail() -> None:
        raise RuntimeError("password 1234")

    async def recording(scope, receive, send):
        async def keep(message):
            sent.append(message)

        await app(scope, receive, keep)

    with pytest.raises(RuntimeError, match="password 1234"):
        exchange(recording)
    seen = Exchange(messages=sent)
    assert seen.status == 500
    assert detail(seen).code == "internal_error"
    assert detail(seen).request_id == seen.headers["x-request-id"]
    assert "report the request id" in detail(seen).remedy
    assert b"1234" not in seen.body
    (record,) = [record for record in caplog.records if record.msg == "unexpected_failure"]
    line = json.loads(JsonLines().format(record))
    assert line["request_id"] == detail(seen).request_id
    assert "RuntimeError: password 1234" in line["exception"]


def test_a_failure_on_our_side_is_logged_with_its_cause_and_a_refusal_is_not(caplog):
    failure = StoreUnavailable(expected="a", received="b", remedy="c")
    failure.__cause__ = OSError("disk")
    seen = answer_to(failure)
    (record,) = [record for record in caplog.records if record.msg == "request_failed"]
    line = json.loads(JsonLines().format(record))
    assert (line["code"], line["received"], line["cause"]) == ("store_unavailable", "b", "OSError")
    assert line["request_id"] == detail(seen).request_id
    assert line["level"] == "warning"
    assert "exception" not in line
    caplog.clear()
    answer_to(InvalidQuery(expected="a", received="b", remedy="c"))
    assert not [record for record in caplog.records if record.msg == "request_failed"]


def test_what_is_broken_is_logged_with_its_traceback(caplog):
    failure = InferenceFailed(expected="a", received="b", remedy="c")
    failure.__cause__ = LookupError("inside")
    seen = answer_to(failure)
    (record,) = [record for record in caplog.records if record.msg == "request_failed"]
    line = json.loads(JsonLines().format(record))
    assert line["level"] == "error"
    assert "LookupError: inside" in line["exception"]
    assert b"inside" not in seen.body


@pytest.mark.parametrize(
    ("raised", "status", "code"),
    [
        (HTTPException(404), 404, "not_found"),
        (HTTPException(405, headers={"Allow": "GET"}), 405, "method_not_allowed"),
        (HTTPException(400, "bad framing"), 400, "malformed_request"),
        (HTTPException(501), 500, "internal_error"),
    ],
)
def test_errors_of_the_framework_are_told_in_the_same_words(raised, status, code):
    seen = answer_to(raised)
    assert (seen.status, detail(seen).code) == (status, code)
    if status == 405:
        assert seen.headers["allow"] == "GET"
        assert detail(seen).expected == "GET"
        assert detail(seen).received == "POST /"
    if status == 400:
        assert detail(seen).received == "bad framing"


def test_a_client_that_left_is_not_our_failure():
    assert answer_to(ClientDisconnect()).status == 499
