"""HTTP connections that can be neither too many nor held by a client that does nothing."""

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass
from typing import ClassVar, cast

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from service.api.answers import ErrorAnswer, ErrorDetail
from service.errors import Overloaded
from service.log import log_event

logger = logging.getLogger(__name__)

_TOO_LARGE_HEAD = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """What one connection, and all together, may take.

    Attributes:
        max_connections: Open at a time on one port; those beyond are answered 429 and closed.
        header_timeout_s: From the first byte of a request, or of a connection, to the end of its
            headers.
        max_head_bytes: A request's head may have, and what lies between two pieces of its body.
        stall_timeout_s: Without a byte of a body that is waited for, or without one read of an
            answer that is being sent.
    """

    max_connections: int
    header_timeout_s: float
    max_head_bytes: int
    stall_timeout_s: float


def bounded_http(limits: HttpLimits) -> type[HttpToolsProtocol]:
    """The protocol for uvicorn, within these limits."""

    class Bounded(BoundedHttp):
        bounds = limits
        open_by_port: ClassVar = Counter[int]()

    return Bounded


class BoundedHttp(HttpToolsProtocol):
    """uvicorn's own protocol, and a watch on each connection that is waited for.

    Only one timer runs for what is read, and it looks at what has happened meanwhile: a request
    that comes at once costs none.
    """

    bounds: ClassVar[HttpLimits]
    open_by_port: ClassVar[Counter[int]]

    _reading: asyncio.TimerHandle | None = None
    _writing: asyncio.TimerHandle | None = None
    _in_headers = True
    _in_body = False
    _head_bytes = 0
    _since_s = 0.0
    """When the headers began, or the last byte of a body came."""

    def connection_made(  # type: ignore[override]  # as uvicorn's
        self, transport: asyncio.Transport
    ) -> None:
        """Count it, and wait for its first request."""
        super().connection_made(transport)
        self.open_by_port[self._port] += 1
        self._since_s = self.loop.time()
        if self.open_by_port[self._port] > self.bounds.max_connections:
            log_event(logger, logging.WARNING, "connection_refused", port=self._port)
            self._refuse(_refusal(self.bounds.max_connections))
        else:
            self._watch_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let another one in."""
        self.open_by_port[self._port] -= 1
        for timer in (self._reading, self._writing):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what has come, and watch what has not."""
        if self.transport.is_closing():
            return
        if self._in_body:
            self._since_s = self.loop.time()
        elif not self._in_headers and self._is_idle:
            # Also of bytes that are no request yet: they have ended the wait of an idle connection.
            self._begin_headers()
        self._head_bytes += len(data)
        super().data_received(data)
        if self._head_bytes > self.bounds.max_head_bytes and (self._in_headers or self._in_body):
            self._refuse(_TOO_LARGE_HEAD)
        elif self._in_headers or self._in_body:
            self._watch_reading()

    def on_message_begin(self) -> None:
        """A request begins."""
        if not self._in_headers:
            self._begin_headers()
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; what follows a chunked body is none, and nobody asked for it."""
        if self._in_headers:
            super().on_header(name, value)

    def on_body(self, body: bytes) -> None:
        """Take content; only what lies between two pieces of it is counted as head."""
        self._head_bytes = 0
        super().on_body(body)

    def on_headers_complete(self) -> None:
        """Its headers have come."""
        self._in_headers, self._in_body = False, True
        self._head_bytes = 0
        self._since_s = self.loop.time()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """All of it has come."""
        self._in_body = False
        super().on_message_complete()

    def pause_writing(self) -> None:
        """The client reads slower than we write: for how long?"""
        super().pause_writing()
        self._writing = self.loop.call_later(self.bounds.stall_timeout_s, self._give_up, "answer")

    def resume_writing(self) -> None:
        """It has read."""
        super().resume_writing()
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None

    @property
    def _port(self) -> int:
        return 0 if self.server is None else cast("int", self.server[1])

    @property
    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _begin_headers(self) -> None:
        self._in_headers = True
        self._head_bytes = 0
        self._since_s = self.loop.time()

    def _refuse(self, answer: bytes) -> None:
        if not self.transport.is_closing():
            if self._is_idle or not self.cycle.response_started:  # never into another answer
                self.transport.write(answer)
            self.transport.close()

    def _watch_reading(self) -> None:
        if self._reading is None:
            bounds = self.bounds
            least_s = min(bounds.header_timeout_s, bounds.stall_timeout_s)
            self._reading = self.loop.call_later(least_s, self._look)

    def _look(self) -> None:
        self._reading = None
        if self.transport.is_closing() or not (self._in_headers or self._in_body):
            return
        if self._in_headers:
            waits_for_us, limit_s = not self._is_idle, self.bounds.header_timeout_s
        else:
            waits_for_us, limit_s = self.flow.read_paused, self.bounds.stall_timeout_s
        if waits_for_us:
            self._since_s = self.loop.time()
        left_s = self._since_s + limit_s - self.loop.time()
        if left_s <= 0:
            self._give_up("headers" if self._in_headers else "body")
        else:
            self._reading = self.loop.call_later(left_s, self._look)

    def _give_up(self, what: str) -> None:
        """End the connection; whoever works for it is told that the client has left."""
        log_event(logger, logging.WARNING, "connection_stalled", waited_for=what)
        if what == "answer":
            self.transport.abort()  # what was not read is not waited for
        else:
            self.transport.close()


def _refusal(most: int) -> bytes:
    """The answer to a connection too many, in the form of every other error."""
    error = Overloaded(
        expected=f"at most {most} connections at a time",
        received="one more",
        remedy="keep connections and use them again, or connect later",
        retry_after_s=1,
    )
    detail = ErrorDetail(
        code=error.code,
        message=str(error),
        expected=error.expected,
        received=error.received,
        remedy=error.remedy,
        request_id=None,
    )
    body = orjson.dumps(ErrorAnswer(error=detail).model_dump())
    head = (
        f"HTTP/1.1 {error.status} Too Many Requests\r\n"
        "Content-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n"
        f"Retry-After: {error.retry_after_s}\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode("ascii") + body
