"""An answer of lines (NDJSON), sent as they are made; an error that comes late is its last line."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress

import orjson
from pydantic import BaseModel
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from service.api.error_handlers import error_detail
from service.api.lines_in import NDJSON
from service.api.request_log import request_id
from service.errors import ReidError
from service.log import log_event

logger = logging.getLogger(__name__)

Pieces = AsyncIterator[bytes]


def json_line(answer: BaseModel) -> bytes:
    """The answer as one line."""
    return orjson.dumps(answer.model_dump()) + b"\n"


async def stream_lines(
    request: Request, pieces: Pieces, *, stall_s: float, headers: Mapping[str, str] | None = None
) -> Response:
    """An answer that begins with the first piece; an error before it is answered as any other.

    Args:
        request: What is answered.
        pieces: Whole lines, made while the receiver takes them.
        stall_s: Longest time that the receiver may take for a piece.
        headers: Of the answer.
    """
    first = await anext(pieces, b"")
    return _LineStream(request, first, pieces, stall_s=stall_s, headers=headers)


class _LineStream(Response):
    """Sends while the body of the request may still be read, which others here must not touch."""

    media_type = NDJSON

    def __init__(
        self,
        request: Request,
        first: bytes,
        pieces: Pieces,
        *,
        stall_s: float,
        headers: Mapping[str, str] | None,
    ) -> None:
        self.status_code = 200
        self.background = None
        self.init_headers(headers)
        self._request = request
        self._first = first
        self._pieces = pieces
        self._stall_s = stall_s

    def init_headers(self, headers: Mapping[str, str] | None = None) -> None:
        """No length: it is not known before the end."""
        plain = {"content-type": NDJSON, **(headers or {})}
        self.raw_headers = [
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in plain.items()
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 the generator reads the body
        """Send every piece; when the client has gone there is nobody to tell."""
        with suppress(ClientDisconnect):
            await send(
                {
                    "type": "http.response.start",
                    "status": self.status_code,
                    "headers": self.raw_headers,
                }
            )
            await self._send_pieces(send, request_id(scope))
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_pieces(self, send: Send, identifier: str | None) -> None:
        try:
            await self._send(send, self._first)
            async for piece in self._pieces:
                await self._send(send, piece)
        except ReidError as error:
            log_event(
                logger, logging.WARNING, "stream_broken", request_id=identifier, code=error.code
            )
            await self._send(send, self._last_words(error))

    async def _send(self, send: Send, piece: bytes) -> None:
        try:
            async with asyncio.timeout(self._stall_s):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        except TimeoutError as error:
            raise ClientDisconnect from error

    def _last_words(self, error: ReidError) -> bytes:
        detail = error_detail(self._request, error)
        return orjson.dumps({"error": detail.model_dump()}) + b"\n"
