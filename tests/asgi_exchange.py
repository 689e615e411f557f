"""One HTTP exchange with an ASGI application in this process, for tests of single layers."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Message, Scope


@dataclass
class Exchange:
    """What a client would see, and how much of its body was asked for."""

    messages: list[Message] = field(default_factory=list)
    chunks_read: int = 0

    @property
    def status(self) -> int | None:
        return self.messages[0]["status"] if self.messages else None

    @property
    def headers(self) -> dict[str, str]:
        return {k.decode(): v.decode() for k, v in self.messages[0]["headers"]}

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.messages)


def exchange(
    app: ASGIApp,
    *,
    chunks: Sequence[bytes] = (b"",),
    headers: dict[str, str] | None = None,
    disconnect_after_s: float | None = None,
    path: str = "/",
    method: str = "POST",
) -> Exchange:
    """Send `chunks` as one request body; a client that leaves does so after the whole body."""

    async def run() -> Exchange:
        seen = Exchange()

        async def receive() -> Message:
            if seen.chunks_read == len(chunks):
                await asyncio.sleep(60 if disconnect_after_s is None else disconnect_after_s)
                return {"type": "http.disconnect"}
            seen.chunks_read += 1
            more = seen.chunks_read < len(chunks)
            return {"type": "http.request", "body": chunks[seen.chunks_read - 1], "more_body": more}

        async def send(message: Message) -> None:
            seen.messages.append(message)

        await app(http_scope(headers or {}, path, method), receive, send)
        return seen

    return asyncio.run(run())


def http_scope(headers: dict[str, str], path: str = "/", method: str = "POST") -> Scope:
    return {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(k.lower().encode(), v.encode()) for k, v in headers.items()],
        "server": ("test", 80),
        "scheme": "http",
    }
