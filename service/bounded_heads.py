"""HTTP connections whose requests must begin in time and within bounds.

The server itself waits for ever for the end of a request's head and takes it at any length, so that
a client could hold connections, and fill the memory, without ever having asked for anything.
"""

import asyncio
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


class BoundedHeads(HttpToolsProtocol):
    """Closes a connection whose next head is not complete in time, or is too large.

    Attributes:
        head_s: Time for a head, from the connection's beginning or the head's first byte on.
        head_bytes: The longest head.
    """

    head_s: ClassVar[float] = 10.0
    head_bytes: ClassVar[int] = 64 * 2**10

    _in_head = True
    _received = 0
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came, unless the head that it belongs to has become too large."""
        self._received += len(data) if self._in_head else 0
        super().data_received(data)
        if self._in_head and self._received > self.head_bytes and not self.transport.is_closing():
            self.transport.write(_TOO_LARGE)
            self.transport.close()

    def on_message_begin(self) -> None:
        """Begin to wait for the end of this head."""
        super().on_message_begin()
        self._start_timer()

    def on_headers_complete(self) -> None:
        """Wait no longer; the body is the application's to bound."""
        self._stop_timer()
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Count the next head from here on."""
        super().on_message_complete()
        self._in_head = True
        self._received = 0

    def _start_timer(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(self.head_s, self._close)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _close(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()
