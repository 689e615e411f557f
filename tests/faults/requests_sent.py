"""Requests as bytes over sockets of one event loop, and what became of each: none may hang."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

import httpx

HANG_S = 20.0
"""More than any request may take here; what took so long would never have been answered."""

Fate = Literal["answered", "closed", "refused", "hung"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one request.

    Attributes:
        fate: `closed` is a connection that ended without an answer, `refused` one that was not
            accepted, `hung` one on which nothing happened.
        status: Of the answer; 0 without one.
    """

    fate: Fate
    seconds: float
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


def request_bytes(method: str, path: str, **given: object) -> bytes:
    """A request as httpx would send it, on a connection that ends with it."""
    request = httpx.Request(method, f"http://localhost{path}", **given)  # type: ignore[arg-type]
    request.headers["Connection"] = "close"
    lines = [f"{method} {request.url.raw_path.decode()} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + request.read()


async def ask(url: str, request: bytes, *, within_s: float = HANG_S) -> Outcome:
    """Send one request and wait for what becomes of it."""
    where = urlsplit(url)
    began_s = time.monotonic()
    try:
        async with asyncio.timeout(within_s):
            reader, writer = await asyncio.open_connection(where.hostname, where.port)
            try:
                writer.write(request)
                answer = await reader.read()
            finally:
                writer.close()
    except TimeoutError:
        return Outcome("hung", time.monotonic() - began_s)
    except ConnectionRefusedError:
        return Outcome("refused", time.monotonic() - began_s)
    except OSError:
        return Outcome("closed", time.monotonic() - began_s)
    return _parsed(answer, time.monotonic() - began_s)


async def ask_all(url: str, requests: Iterable[bytes], **options: float) -> list[Outcome]:
    """Send all at once; their outcomes are in the same order."""
    return await asyncio.gather(*(ask(url, request, **options) for request in requests))


def counted(outcomes: Sequence[Outcome]) -> Counter[int | str]:
    """How many ended in each status, or without one in each other way."""
    return Counter(outcome.status or outcome.fate for outcome in outcomes)


def _parsed(answer: bytes, seconds: float) -> Outcome:
    head, found, body = answer.partition(b"\r\n\r\n")
    if not found:
        return Outcome("closed", seconds)
    first, *rest = head.decode().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in rest)}
    if len(body) < int(headers.get("content-length", 0)):
        return Outcome("closed", seconds)
    return Outcome("answered", seconds, int(first.split()[1]), headers, body)
