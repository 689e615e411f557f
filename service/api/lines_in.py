"""A body of lines (NDJSON), read as it arrives, in chunks that are bounded in lines and bytes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field

from service.errors import BodyTooLarge, DeadlineExceeded

NDJSON = "application/x-ndjson"


@dataclass(frozen=True, slots=True)
class Line:
    """One line that is not empty; `number` counts from 1, and empty lines count."""

    number: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class LineLimits:
    """How much of a body is held at a time.

    Attributes:
        most_lines: In a chunk.
        most_chunk_bytes: In a chunk that has more than one line.
        most_line_bytes: In a line.
        idle_s: Longest wait for the sender.
        pause_s: Lines that have come are handed on when no more follow for so long.
    """

    most_lines: int
    most_chunk_bytes: int
    most_line_bytes: int
    idle_s: float
    pause_s: float = 0.2


async def read_chunks(body: AsyncIterator[bytes], limits: LineLimits) -> AsyncIterator[list[Line]]:
    """The lines of the body in order; at most one piece is read while the caller works.

    Raises:
        BodyTooLarge: At a line over its limit; the lines before it have been handed on.
        DeadlineExceeded: When the sender pauses too long.
    """
    lines = _Lines(limits)
    arriving = asyncio.ensure_future(_next_piece(body))
    try:
        while not lines.ended:
            await asyncio.wait({arriving}, timeout=limits.pause_s if lines.ready else limits.idle_s)
            if arriving.done():
                lines.add(arriving.result())
                arriving = asyncio.ensure_future(_next_piece(body))
            elif lines.ready:
                yield lines.take()
            else:
                raise _sender_paused(limits.idle_s)
            while lines.full:
                yield lines.take()
        if lines.ready:
            yield lines.take()
        if lines.too_long:
            raise _line_too_long(limits.most_line_bytes)
    finally:
        arriving.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await arriving


@dataclass(slots=True)
class _Lines:
    """Cuts pieces into lines, and lines into chunks."""

    limits: LineLimits
    ended: bool = False
    too_long: bool = False
    ready: list[Line] = field(default_factory=list)
    _ready_bytes: int = 0
    _rest: bytearray = field(default_factory=bytearray)
    _number: int = 0

    @property
    def full(self) -> bool:
        """Whether no more belongs in the next chunk."""
        many = len(self.ready) >= self.limits.most_lines
        return many or self._ready_bytes >= self.limits.most_chunk_bytes

    def add(self, piece: bytes | None) -> None:
        """Take in what has come; None at the end of the body."""
        if piece is not None and b"\n" not in piece:
            self._rest += piece
            self._check_length(self._rest)
            return
        *whole, rest = bytes(self._rest + (piece or b"")).split(b"\n")
        if piece is None:
            whole, rest, self.ended = [*whole, rest], b"", True
        for raw in whole:
            self._take_in(raw)
        self._rest = bytearray(rest)
        self._check_length(rest)

    def take(self) -> list[Line]:
        """The next chunk."""
        count, size = 0, 0
        for line in self.ready[: self.limits.most_lines]:
            size += len(line.raw)
            if count and size > self.limits.most_chunk_bytes:
                break
            count += 1
        chunk, self.ready = self.ready[:count], self.ready[count:]
        self._ready_bytes -= sum(len(line.raw) for line in chunk)
        return chunk

    def _take_in(self, raw: bytes) -> None:
        self._number += 1
        self._check_length(raw)
        if raw.strip() and not self.too_long:
            self.ready.append(Line(self._number, raw))
            self._ready_bytes += len(raw)

    def _check_length(self, raw: bytes | bytearray) -> None:
        if len(raw) > self.limits.most_line_bytes:
            self.too_long = self.ended = True


async def _next_piece(body: AsyncIterator[bytes]) -> bytes | None:
    return await anext(body, None)


def _line_too_long(most: int) -> BodyTooLarge:
    return BodyTooLarge(
        expected=f"lines of at most {most} bytes",
        received="a longer line",
        remedy="put one JSON object on each line, or raise the service's limit",
    )


def _sender_paused(idle_s: float) -> DeadlineExceeded:
    return DeadlineExceeded(
        expected=f"the next line within {idle_s:g} s",
        received="no line in that time",
        remedy="send the lines that were not answered again",
    )
