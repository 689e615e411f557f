"""A request that the stop of the process cuts short is told so, in place of an unknown failure."""

import asyncio

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.error_handlers import error_answer
from service.errors import NotReady


class AnswerWhenCutShort:
    """ASGI middleware: answers 503 when the server cancels a request that it cannot wait for.

    A client that leaves does not come here: its request is cancelled further in. An answer that
    has begun cannot become another, so its connection is closed as it is.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        begun = False

        async def watched_send(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, watched_send)
        except asyncio.CancelledError:
            if begun or scope["type"] != "http":
                raise
            await error_answer(Request(scope), _cut_short())(scope, receive, send)


def _cut_short() -> NotReady:
    return NotReady(
        expected="an answer before the service stops",
        received="a stop that cannot wait for it any longer",
        remedy="send the request again later; a write may have been made, and its key tells",
        retry_after_s=1,
    )
