"""Refuses a body that is too large or packed, before it is read where it states its length."""

from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import BodyTooLarge, Overloaded, UnsupportedMediaType

_AS_IT_IS = "identity"


@dataclass(frozen=True, slots=True)
class StreamedBodies:
    """Bodies that are worked on while they come.

    Attributes:
        path_ends: How the paths end that take them.
        max_bytes: The largest.
        max_held_bytes: How much of one is in memory at a time.
    """

    path_ends: tuple[str, ...]
    max_bytes: int
    max_held_bytes: int


class BodyLimit:
    """ASGI middleware: bounds the bytes of one body, and of all bodies in memory together.

    The error is raised to whoever reads the body, so that it is answered as every other error is.

    Args:
        app: The application that reads the body.
        max_bytes: The largest body accepted.
        max_held_bytes: The most that the bodies of running requests may hold. A body counts from
            its first byte to its answer: with its stated length, or `max_bytes` without one.
        streamed: Of paths whose body is worked on while it comes, and never held whole.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        max_bytes: int,
        max_held_bytes: int,
        streamed: StreamedBodies | None = None,
    ) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._max_held_bytes = max_held_bytes
        self._streamed = streamed
        self._held_bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        most, held = self._bounds(scope["path"], headers)
        encoding = headers.get("content-encoding", _AS_IT_IS).strip().lower()
        reserved = 0
        counted = 0

        async def counting_receive() -> Message:
            nonlocal reserved, counted
            if encoding != _AS_IT_IS:
                raise _encoded(encoding)
            if not reserved:
                reserved = self._reserve(held, most)
            message = await receive()
            counted += len(message.get("body", b""))
            if counted > most:
                raise body_too_large(most, f"more than {most} bytes")
            return message

        try:
            await self._app(scope, counting_receive, send)
        finally:
            self._held_bytes -= reserved

    def _bounds(self, path: str, headers: Headers) -> tuple[int, int]:
        """The most bytes that this body may have, and how many of them are held at a time."""
        stated = _stated_bytes(headers.get("content-length"))
        streamed = self._streamed
        if streamed is not None and path.endswith(streamed.path_ends):
            most, held = streamed.max_bytes, streamed.max_held_bytes
        else:
            most = self._max_bytes
            held = most if stated is None else stated
        if stated is not None and stated > most:
            # Said to whoever reads the body, as every other error of it is.
            return most, stated
        return most, held

    def _reserve(self, wanted: int, most: int) -> int:
        if wanted > most:
            raise body_too_large(most, f"a body of {wanted} bytes")
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


def _encoded(encoding: str) -> UnsupportedMediaType:
    """A body whose size is not known before it is unpacked is not unpacked."""
    return UnsupportedMediaType(
        expected="a body without Content-Encoding",
        received=repr(encoding[:40]),
        remedy="send it as it is: pictures are compressed already",
    )


def _stated_bytes(header: str | None) -> int | None:
    return int(header) if header is not None and header.isdecimal() else None
