"""Reads a multipart upload: frames in the order sent, or a video, and one JSON field.

Frames stay in memory and are never spooled to disk, for they are pictures of people; the body
limit bounds them. A part over a limit ends the reading at once.
"""

from dataclasses import dataclass, field

from python_multipart.multipart import parse_options_header
from starlette.requests import Request

from service.api.body_limit import body_too_large
from service.api.multipart_scanner import MultipartError, MultipartScanner
from service.api.raw_frames import too_many_frames
from service.errors import InvalidInput, MalformedRequest, NoReadableFrame

FRAMES_FIELD = "frames"
VIDEO_FIELD = "video"


@dataclass(frozen=True)
class FormLimits:
    """How many frames a form may have, and how large its JSON field may be."""

    max_frames: int
    max_json_bytes: int


@dataclass(frozen=True)
class TrackletForm:
    """Encoded frames in the order sent, or a video, and the JSON field (`{}` when left out)."""

    frames: tuple[bytes, ...]
    json: bytes
    video: bytes | None = None


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
        InvalidInput: For a part with another name, a second video or JSON field, or frames beside
            a video.
        TooManyFrames: At the first frame over the limit.
        BodyTooLarge: When the JSON field is over its limit.
        NoReadableFrame: When there is no frame at all.
    """
    parts = _Parts(json_field, limits)
    try:
        scanner = MultipartScanner(_boundary(request), parts)
        async for chunk in request.stream():
            scanner.feed(chunk)
    except MultipartError as error:
        raise _malformed("a body that is not multipart/form-data") from error
    if not scanner.ended:
        raise _malformed("a body that ends before its closing boundary")
    if not parts.frames and parts.video is None:
        raise NoReadableFrame(
            expected=f"at least one part named `{FRAMES_FIELD}`, or one named `{VIDEO_FIELD}`",
            received="none",
            remedy=f"send each frame as a part named `{FRAMES_FIELD}`, in time order",
        )
    return TrackletForm(tuple(parts.frames), parts.json or b"{}", parts.video)


@dataclass
class _Parts:
    """Collects the parts as the parser finds them."""

    json_field: str | None
    limits: FormLimits
    frames: list[bytes] = field(default_factory=list)
    json: bytes | None = None
    video: bytes | None = None
    _name: str = ""
    _content: bytearray = field(default_factory=bytearray)

    def begin(self, name: str) -> None:
        """Refuse the part unless it is one of those that may come."""
        self._name = name
        self._content = bytearray()
        if name == FRAMES_FIELD:
            self._check_frame()
        elif name not in {VIDEO_FIELD, self.json_field}:
            raise self._unknown_part()
        elif (self.video if name == VIDEO_FIELD else self.json) is not None:
            raise InvalidInput(
                expected=f"one part named `{name}`",
                received="more than one",
                remedy="send it once",
            )
        elif name == VIDEO_FIELD and self.frames:
            raise _frames_and_video()

    def add(self, content: bytes) -> None:
        """Keep it, unless the JSON field becomes too large."""
        self._content += content
        if self._name != self.json_field:
            return
        if len(self._content) > self.limits.max_json_bytes:
            raise body_too_large(self.limits.max_json_bytes, f"a larger part `{self._name}`")

    def end(self) -> None:
        """Keep the part as what its name says."""
        if self._name == FRAMES_FIELD:
            self.frames.append(bytes(self._content))
        elif self._name == VIDEO_FIELD:
            self.video = bytes(self._content)
        else:
            self.json = bytes(self._content)

    def _check_frame(self) -> None:
        if self.video is not None:
            raise _frames_and_video()
        if len(self.frames) == self.limits.max_frames:
            raise too_many_frames(self.limits.max_frames)

    def _unknown_part(self) -> InvalidInput:
        beside = "" if self.json_field is None else f", and `{self.json_field}`"
        return InvalidInput(
            expected=f"parts named `{FRAMES_FIELD}` or `{VIDEO_FIELD}`{beside}",
            received=f"a part named `{self._name[:60]}`",
            remedy="rename it or leave it out",
        )


def _boundary(request: Request) -> bytes:
    _, options = parse_options_header(request.headers.get("content-type"))
    if not options.get(b"boundary"):
        raise _malformed("a content type without a boundary")
    return options[b"boundary"]


def _frames_and_video() -> InvalidInput:
    return InvalidInput(
        expected=f"parts named `{FRAMES_FIELD}`, or one named `{VIDEO_FIELD}`",
        received="both",
        remedy="send one form of a tracklet",
    )


def _malformed(received: str) -> MalformedRequest:
    return MalformedRequest(
        expected="multipart/form-data with a boundary and a closing boundary",
        received=received,
        remedy=f"let an HTTP client build it: curl -F {FRAMES_FIELD}=@000.jpg",
    )
