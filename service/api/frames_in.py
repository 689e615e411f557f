"""A tracklet's frames in whatever form the body has, and the JSON beside them."""

from dataclasses import dataclass

from fastapi import Request

from service.api.dependencies import MULTIPART, media_type, unsupported
from service.api.tracklet_form import FormLimits, read_tracklet_form
from service.media.tracklet_source import EncodedFrames, TrackletSource
from service.settings import Settings

FRAME_BODIES = (MULTIPART,)
"""Content types that carry frames."""


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
    return media_type(request) in FRAME_BODIES


async def read_upload(request: Request, settings: Settings, *, json_field: str | None) -> Upload:
    """Read the body.

    Args:
        request: A request whose body has not been read.
        settings: How much may come.
        json_field: Name of the JSON beside the frames, or None where there may be none.

    Raises:
        UnsupportedMediaType: When the body is of a type that carries no frames.
        ReidError: As `read_tracklet_form` does.
    """
    if not carries_frames(request):
        raise unsupported(request, *FRAME_BODIES)
    limits = FormLimits(max_frames=settings.max_frames, max_json_bytes=settings.max_json_bytes)
    form = await read_tracklet_form(request, json_field=json_field, limits=limits)
    return Upload(EncodedFrames(form.frames), form.json, (form.json, *form.frames))
