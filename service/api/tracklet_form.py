"""Reads a multipart upload: frames in the order sent and one JSON field, nothing else.

Frames stay in memory and are never spooled to disk, for they are pictures of people; the body
limit bounds them. A part over a limit ends the reading at once.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.requests import Request

from service.api.body_limit import body_too_large
from service.errors import InvalidInput, MalformedRequest, NoReadableFrame, TooManyFrames

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

FRAMES_FIELD = "frames"


@dataclass(frozen=True)
class FormLimits:
    """How many frames a form may have, and how large its JSON field may be."""

    max_frames: int
    max_json_bytes: int


@dataclass(frozen=True)
class TrackletForm:
    """Encoded frames in the order sent, and the JSON field as sent (`{}` when left out)."""

    frames: tuple[bytes, ...]
    json: bytes


async def read_tracklet_form(
    request: Request, *, json_field: str | None, limits: FormLimits
) -> TrackletForm:
    """Read the multipart body of `request`.

    Args:
        request: A request whose content type is multipart/form-data.
        json_field: Name of the one field allowed beside the frames, or None.
        limits: What to refuse.

    Raises:
        MalformedRequest: When the body is not multipart, or ends early.
        InvalidInput: For a part with another name, or a second JSON field.
        TooManyFrames: At the first frame over the limit.
        BodyTooLarge: When the JSON field is over its limit.
        NoReadableFrame: When there is no frame at all.
    """
    parts = _Parts(json_field, limits)
    try:
        parser = MultipartParser(_boundary(request), parts.callbacks())
        async for chunk in request.stream():
            parser.write(chunk)
        parser.finalize()
    except FormParserError as error:
        raise _malformed("a body that is not multipart/form-data") from error
    if not parts.ended:
        raise _malformed("a body that ends before its closing boundary")
    if not parts.frames:
        raise NoReadableFrame(
            expected=f"at least one part named `{FRAMES_FIELD}`",
            received="none",
            remedy=f"send each frame as a part named `{FRAMES_FIELD}`, in time order",
        )
    return TrackletForm(frames=tuple(parts.frames), json=parts.json or b"{}")


@dataclass
class _Parts:
    """Collects the parts as the parser finds them."""

    json_field: str | None
    limits: FormLimits
    frames: list[bytes] = field(default_factory=list)
    json: bytes | None = None
    ended: bool = False
    _header_name: bytes = b""
    _header_value: bytes = b""
    _disposition: bytes = b""
    _name: str = ""
    _content: bytearray = field(default_factory=bytearray)

    def callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._add_header_name,
            "on_header_value": self._add_header_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._check_name,
            "on_part_data": self._add_content,
            "on_part_end": self._keep,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        self._disposition = b""
        self._content = bytearray()

    def _add_header_name(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _add_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _end_header(self) -> None:
        if self._header_name.lower() == b"content-disposition":
            self._disposition = self._header_value
        self._header_name = self._header_value = b""

    def _check_name(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        if self._name == FRAMES_FIELD:
            self._check_frame_count()
        elif self._name != self.json_field:
            raise self._unknown_part()
        elif self.json is not None:
            raise InvalidInput(
                expected=f"one part named `{self._name}`",
                received="more than one",
                remedy="send it once",
            )

    def _check_frame_count(self) -> None:
        if len(self.frames) == self.limits.max_frames:
            raise TooManyFrames(
                expected=f"at most {self.limits.max_frames} frames",
                received="more",
                remedy="send frames spread evenly over the tracklet, or raise the service's limit",
            )

    def _unknown_part(self) -> InvalidInput:
        wanted = [FRAMES_FIELD] if self.json_field is None else [FRAMES_FIELD, self.json_field]
        return InvalidInput(
            expected=f"parts named {' and '.join(f'`{name}`' for name in wanted)}",
            received=f"a part named `{self._name[:60]}`",
            remedy="rename it or leave it out",
        )

    def _add_content(self, data: bytes, start: int, end: int) -> None:
        self._content += data[start:end]
        if self._name == FRAMES_FIELD:
            return
        if len(self._content) > self.limits.max_json_bytes:
            raise body_too_large(self.limits.max_json_bytes, f"a larger part `{self._name}`")

    def _keep(self) -> None:
        if self._name == FRAMES_FIELD:
            self.frames.append(bytes(self._content))
        else:
            self.json = bytes(self._content)

    def _end(self) -> None:
        self.ended = True


def _boundary(request: Request) -> bytes:
    _, options = parse_options_header(request.headers.get("content-type"))
    if not options.get(b"boundary"):
        raise _malformed("a content type without a boundary")
    return options[b"boundary"]


def _malformed(received: str) -> MalformedRequest:
    return MalformedRequest(
        expected="multipart/form-data with a boundary and a closing boundary",
        received=received,
        remedy=f"let an HTTP client build it: curl -F {FRAMES_FIELD}=@000.jpg",
    )
