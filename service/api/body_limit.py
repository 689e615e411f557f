"""Refuses a request body that is too large, before it is read where it states its length."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import BodyTooLarge, Overloaded


class BodyLimit:
    """ASGI middleware: bounds the bytes of one body, and of all bodies in memory together.

    The error is raised to whoever reads the body, so that it is answered as every other error is.

    Args:
        app: The application that reads the body.
        max_bytes: The largest body accepted.
        max_held_bytes: The most that the bodies of running requests may hold. A body counts from
            its first byte to its answer: with its stated length, or `max_bytes` without one.
    """

    def __init__(self, app: ASGIApp, *, max_bytes: int, max_held_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._max_held_bytes = max_held_bytes
        self._held_bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        stated = _stated_bytes(Headers(scope=scope).get("content-length"))
        reserved = 0
        counted = 0

        async def counting_receive() -> Message:
            nonlocal reserved, counted
            if not reserved:
                reserved = self._reserve(stated)
            message = await receive()
            counted += len(message.get("body", b""))
            if counted > self._max_bytes:
                raise body_too_large(self._max_bytes, f"more than {self._max_bytes} bytes")
            return message

        try:
            await self._app(scope, counting_receive, send)
        finally:
            self._held_bytes -= reserved

    def _reserve(self, stated: int | None) -> int:
        if stated is not None and stated > self._max_bytes:
            raise body_too_large(self._max_bytes, f"a body of {stated} bytes")
        wanted = self._max_bytes if stated is None else stated
        if self._held_bytes and self._held_bytes + wanted > self._max_held_bytes:
            raise Overloaded(
                expected=f"at most {self._max_held_bytes} bytes of uploads at a time",
                received=f"{wanted} more beside {self._held_bytes}",
                remedy="send the request again later",
                retry_after_s=1,
            )
        self._held_bytes += wanted
        return wanted


def body_too_large(max_bytes: int, received: str) -> BodyTooLarge:
    """The error for a body, or a part of one, that is over `max_bytes`."""
    return BodyTooLarge(
        expected=f"at most {max_bytes} bytes",
        received=received,
        remedy="send fewer or smaller frames, or raise the service's limit",
    )


def _stated_bytes(header: str | None) -> int | None:
    return int(header) if header is not None and header.isdecimal() else None
