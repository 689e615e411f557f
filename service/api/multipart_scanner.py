"""Finds the parts of a multipart/form-data body while it comes.

The boundary is searched for by the interpreter's own `find`, and whoever takes the parts is called
a few times for each. A parser that steps from byte to byte and calls for every piece of a header
took a third of the event loop's time for an upload of eight frames.
"""

import re
from typing import Protocol

from python_multipart.multipart import parse_options_header

_LONGEST_BOUNDARY = 256
"""RFC 2046 allows 70."""
_LONGEST_HEADERS = 16 * 2**10
_MOST_FALSE_BOUNDARIES = 1000
"""Lines of content that begin as the boundary does: each is a step of the interpreter."""
_LINE = b"\r\n"
_LAST = b"--"
_USUAL_DISPOSITION = re.compile(rb'form-data; name="([^"\\]*)"(?:; filename="[^"\\]*")?')


class MultipartError(ValueError):
    """The body is not multipart/form-data."""


class PartTaker(Protocol):
    """Takes the parts in their order; what it raises ends the reading."""

    def begin(self, name: str) -> None:
        """A part begins; its name is empty when it says none."""
        ...

    def add(self, content: bytes) -> None:
        """More of the part's content."""
        ...

    def end(self) -> None:
        """The part is whole."""
        ...


class MultipartScanner:
    """Cuts a body into parts at its boundary.

    Args:
        boundary: As the content type says.
        taker: Takes the parts.

    Attributes:
        ended: Whether the closing boundary has come; what follows it is not looked at.

    Raises:
        MultipartError: When the boundary is too long.
    """

    def __init__(self, boundary: bytes, taker: PartTaker) -> None:
        if len(boundary) > _LONGEST_BOUNDARY:
            raise MultipartError(f"a boundary of {len(boundary)} bytes")
        self.ended = False
        self._taker = taker
        self._delimiter = _LINE + b"--" + boundary
        # As if a line had ended before the first boundary, which then is like all others.
        self._left = bytearray(_LINE)
        self._at = 0
        self._is_first = True
        self._in_content = False
        self._false_boundaries = 0

    def feed(self, chunk: bytes) -> None:
        """Take in what came.

        Raises:
            MultipartError: When it cannot be part of such a body.
        """
        if self.ended:
            return
        self._left += chunk
        if self._is_first:  # some clients begin with an empty line
            self._left[len(_LINE) :] = self._left[len(_LINE) :].lstrip(_LINE)
        while not self.ended and (self._end_part() if self._in_content else self._begin_part()):
            pass
        del self._left[: self._at]
        self._at = 0

    def _begin_part(self) -> bool:
        """Go past a boundary and the headers behind it; False when not all of it has come."""
        after = self._at + len(self._delimiter)
        if not self._delimiter.startswith(self._cut(self._at, after)):
            raise MultipartError("no boundary where there has to be one")
        line_end = self._cut(after, after + 2)
        if line_end == _LAST:
            self.ended = True
        if len(line_end) < 2 or self.ended:
            return self.ended
        if line_end != _LINE:
            raise MultipartError("a boundary that goes on")
        end = self._left.find(_LINE + _LINE, after)
        if (len(self._left) if end < 0 else end) - after > _LONGEST_HEADERS:
            raise MultipartError(f"a part with more than {_LONGEST_HEADERS} bytes of headers")
        if end < 0:
            return False
        self._is_first = False
        self._in_content = True
        self._at = end + 2 * len(_LINE)
        self._taker.begin(_name(self._cut(after, end)))
        return True

    def _end_part(self) -> bool:
        """Pass content on up to its boundary; False when that has not come."""
        found = self._left.find(self._delimiter, self._at)
        after = found + len(self._delimiter)
        while found >= 0 and self._left[after : after + 2] not in (_LINE, _LAST):
            if len(self._left) < after + 2:
                found = -1
                break
            self._false_boundaries += 1
            if self._false_boundaries > _MOST_FALSE_BOUNDARIES:
                raise MultipartError("content full of what begins as its boundary does")
            found = self._left.find(self._delimiter, found + 1)
            after = found + len(self._delimiter)
        is_whole = found >= 0
        # The end of what came may be the beginning of a boundary.
        until = found if is_whole else len(self._left) - len(self._delimiter) - 1
        if until > self._at:
            self._taker.add(self._cut(self._at, until))
            self._at = until
        if is_whole:
            self._in_content = False
            self._taker.end()
        return is_whole

    def _cut(self, start: int, end: int) -> bytes:
        with memoryview(self._left) as view:
            return bytes(view[start:end])


def _name(headers: bytes) -> str:
    """Of a part, from its header lines."""
    disposition = b""
    for line in headers.split(_LINE):
        key, _, value = line.partition(b":")
        if key.lower() == b"content-disposition":
            disposition = value.strip()
    usual = _USUAL_DISPOSITION.fullmatch(disposition)
    name = usual[1] if usual else parse_options_header(disposition)[1].get(b"name", b"")
    return name.decode("utf-8", "replace")
