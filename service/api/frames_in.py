"""A tracklet's frames in whatever form the body has, and the JSON beside them."""

from dataclasses import dataclass

from fastapi import Request

from service.api.body_limit import body_too_large
from service.api.dependencies import (
    FRAME_BODIES,
    MSGPACK,
    MULTIPART,
    RAW,
    media_type,
    unsupported,
)
from service.api.packed_tracklet import read_packed_tracklet
from service.api.raw_frames import SHAPE_HEADER, parse_shape, raw_frames
from service.api.tracklet_form import FormLimits, read_tracklet_form
from service.errors import NoReadableFrame
from service.media.tracklet_source import EncodedFrames, TrackletSource, VideoOfCrops
from service.settings import Settings


@dataclass(frozen=True, slots=True, eq=False)
class Upload:
    """A tracklet's frames as they came.

    Attributes:
        source: The frames.
        json: What came beside them, `{}` when nothing did.
        sent: The bytes that make it the same request when it is repeated.
    """

    source: TrackletSource
    json: bytes
    sent: tuple[bytes, ...]


def carries_frames(request: Request) -> bool:
    """Whether the body is of a type that carries frames."""
    return _is_of_frames(media_type(request))


def json_header(json_field: str) -> str:
    """The header that holds the JSON of a body which is nothing but frames."""
    return f"X-Tracklet-{json_field.title()}"


async def read_upload(request: Request, settings: Settings, *, json_field: str | None) -> Upload:
    """Read the body.

    Args:
        request: A request whose body has not been read.
        settings: How much may come.
        json_field: Name of the JSON beside the frames, or None where there may be none.

    Raises:
        UnsupportedMediaType: When the body is of a type that carries no frames.
        ReidError: As `read_tracklet_form`, `read_packed_tracklet` and `raw_frames` do.
    """
    kind = media_type(request)
    if not _is_of_frames(kind):
        raise unsupported(request, *FRAME_BODIES)
    limits = FormLimits(max_frames=settings.max_frames, max_json_bytes=settings.max_json_bytes)
    if kind == MULTIPART:
        return await _multipart(request, json_field, limits)
    if kind == MSGPACK:
        body = await _whole_body(request)
        packed = read_packed_tracklet(body, json_field=json_field, limits=limits)
        return Upload(packed.source, packed.json, packed.sent)
    beside = _beside(request, json_field, limits)
    if kind == RAW:
        return await _raw(request, beside, limits)
    file = await _whole_body(request)
    return Upload(VideoOfCrops(file), beside, (beside, file))


def _is_of_frames(kind: str) -> bool:
    return kind in FRAME_BODIES or kind.startswith("video/")


async def _multipart(request: Request, json_field: str | None, limits: FormLimits) -> Upload:
    form = await read_tracklet_form(request, json_field=json_field, limits=limits)
    if form.video is not None:
        return Upload(VideoOfCrops(form.video), form.json, (form.json, form.video))
    return Upload(EncodedFrames(form.frames), form.json, (form.json, *form.frames))


async def _raw(request: Request, beside: bytes, limits: FormLimits) -> Upload:
    shape = parse_shape(request.headers.get(SHAPE_HEADER, ""))
    pixels = await _whole_body(request)
    frames = raw_frames(pixels, shape, max_frames=limits.max_frames)
    return Upload(frames, beside, (beside, repr(frames.pixels.shape).encode(), pixels))


def _beside(request: Request, json_field: str | None, limits: FormLimits) -> bytes:
    if json_field is None:
        return b"{}"
    name = json_header(json_field)
    text = request.headers.get(name, "{}").encode("latin-1")  # the bytes as they were sent
    if len(text) > limits.max_json_bytes:
        raise body_too_large(limits.max_json_bytes, f"a larger header `{name}`")
    return text


async def _whole_body(request: Request) -> bytes:
    chunks = [chunk async for chunk in request.stream()]
    body = b"".join(chunks)
    if not body:
        raise NoReadableFrame(
            expected="frames in the body",
            received="0 bytes",
            remedy="send msgpack, raw pixels or a video file as the body",
        )
    return body
