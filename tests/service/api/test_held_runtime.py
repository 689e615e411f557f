from contextlib import contextmanager

import pytest
from starlette.responses import PlainTextResponse

from service.api.held_runtime import ReleaseRuntime, hold
from tests.asgi_exchange import exchange, http_scope


@contextmanager
def noted(into):
    into.append("held")
    try:
        yield "runtime"
    finally:
        into.append("released")


def test_what_a_request_holds_is_released_after_its_last_byte():
    happened = []

    async def answering(scope, receive, send):
        assert hold(scope, noted(happened)) == "runtime"

        async def noting(message):
            happened.append(message["type"])
            await send(message)

        await PlainTextResponse("done")(scope, receive, noting)

    exchange(ReleaseRuntime(answering))
    assert happened == ["held", "http.response.start", "http.response.body", "released"]


def test_it_is_released_also_when_the_request_fails():
    happened = []

    async def failing(scope, receive, send):
        hold(scope, noted(happened))
        raise LookupError

    with pytest.raises(LookupError):
        exchange(ReleaseRuntime(failing))
    assert happened == ["held", "released"]


def test_nothing_is_held_where_nobody_would_release_it():
    happened = []
    with pytest.raises(RuntimeError, match="expected the middleware ReleaseRuntime"):
        hold(http_scope({}), noted(happened))
    assert happened == []
