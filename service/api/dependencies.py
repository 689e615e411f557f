"""What the routes ask for: the runtime, a deadline, and a request's JSON."""

from typing import Annotated

from fastapi import Depends, Header, Request
from python_multipart.multipart import parse_options_header

from service.api.answers import FramesAnswer, ModelAnswer, RejectedFrameAnswer
from service.api.body_limit import body_too_large
from service.api.deadline import Deadline
from service.api.held_runtime import hold
from service.api.lines_in import NDJSON
from service.errors import InvalidIdentifier, InvalidQuery, UnsupportedMediaType
from service.lifecycle import Lifecycle
from service.media.decoded_tracklet import DecodedTracklet
from service.runtime import Runtime
from service.settings import Settings

MULTIPART = "multipart/form-data"
MSGPACK = "application/msgpack"
RAW = "application/octet-stream"
VIDEO = "video/*"
FRAME_BODIES = (MULTIPART, MSGPACK, RAW, VIDEO)
"""Content types that carry frames."""
JSON = "application/json"

_DEFAULT_PAGE = 100
_MULTIPART_REMEDY = "send multipart: curl -F frames=@000.jpg -F frames=@001.jpg"
_CONTENT_TYPE_REMEDY = (
    "send frames as multipart (curl -F frames=@000.jpg), "
    "or JSON with the header Content-Type: application/json"
)
_REMEDIES: dict[tuple[str, ...], str] = {
    FRAME_BODIES: _MULTIPART_REMEDY,
    (JSON,): "send JSON with the header Content-Type: application/json",
    (NDJSON,): "send one JSON object a line with the header Content-Type: application/x-ndjson",
}


async def whole_path(request: Request) -> None:
    """The path as it was sent: routing drops a line break at its end, which names another id.

    Raises:
        InvalidIdentifier: When there is one.
    """
    if request.scope["path"].endswith("\n"):
        raise InvalidIdentifier(
            expected="a path whose last name is printable",
            received="one that ends with a line break",
            remedy="leave it out",
        )


async def open_lifecycle(request: Request) -> Lifecycle:
    """The application's lifecycle, ready or not."""
    lifecycle: Lifecycle = request.app.state.lifecycle
    return lifecycle


async def open_runtime(
    request: Request, lifecycle: Annotated[Lifecycle, Depends(open_lifecycle)]
) -> Runtime:
    """The runtime, this one until the request ends; raises `NotReady` while there is none."""
    return hold(request.scope, lifecycle.lease())


OpenLifecycle = Annotated[Lifecycle, Depends(open_lifecycle)]
OpenRuntime = Annotated[Runtime, Depends(open_runtime)]


_TimeoutHeader = Annotated[
    float | None,
    Header(gt=0, allow_inf_nan=False, description="Seconds after which nobody waits."),
]


# FastAPI solves a dependency anew, with all that it depends on, for each that asks for it, and then
# finds it solved already. So what every upload needs depends on the request and on nothing else.
async def request_seconds(request: Request, x_timeout_s: _TimeoutHeader = None) -> float:
    """The time that this request, or each line of it, gets.

    Raises:
        InvalidQuery: When the request asks for more than it may.
    """
    return asked_seconds(x_timeout_s, request.app.state.settings, name="X-Timeout-S")


async def request_deadline(request: Request, x_timeout_s: _TimeoutHeader = None) -> Deadline:
    """The deadline of this request, counted from now.

    Raises:
        InvalidQuery: As `request_seconds` does.
    """
    return Deadline(await request_seconds(request, x_timeout_s))


RequestSeconds = Annotated[float, Depends(request_seconds)]
RequestDeadline = Annotated[Deadline, Depends(request_deadline)]


def asked_seconds(asked: float | None, settings: Settings, *, name: str) -> float:
    """The time that a request gets.

    Args:
        asked: Seconds; None for what is usual.
        settings: What is usual, and the most.
        name: Of what asks, for the error.

    Raises:
        InvalidQuery: When it is more than the most.
    """
    if asked is None:
        return settings.request_timeout_s
    if asked > settings.max_request_timeout_s:
        raise InvalidQuery(
            expected=f"`{name}` of at most {settings.max_request_timeout_s:g} s",
            received=f"{asked:g} s"[:40],
            remedy="ask for less, or leave it out",
        )
    return asked


def media_type(request: Request) -> str:
    """The content type of the request, without parameters; empty when there is none."""
    name, _ = parse_options_header(request.headers.get("content-type"))
    return name.decode("latin-1")


async def read_json(request: Request, max_bytes: int) -> bytes:
    """A JSON body, as sent.

    Raises:
        BodyTooLarge: When it has more than `max_bytes`.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > max_bytes:
            raise body_too_large(max_bytes, "a larger JSON body")
    return bytes(body)


async def read_json_only(request: Request, max_bytes: int) -> bytes:
    """A JSON body, as sent, of a path that takes nothing else.

    Raises:
        UnsupportedMediaType: When the body is of another type.
        BodyTooLarge: When it has more than `max_bytes`.
    """
    if media_type(request) != JSON:
        raise unsupported(request, JSON)
    return await read_json(request, max_bytes)


def page_limit(asked: int | None, most: int) -> int:
    """How many names to list on a page.

    Raises:
        InvalidQuery: When more than `most` are asked for.
    """
    if asked is None:
        return min(_DEFAULT_PAGE, most)
    if asked > most:
        raise InvalidQuery(
            expected=f"`limit` of at most {most}",
            received=str(asked)[:40],
            remedy="ask for smaller pages and follow `next_cursor`",
        )
    return asked


def unsupported(request: Request, *accepted: str) -> UnsupportedMediaType:
    """The error for a body that is of none of the accepted types."""
    return UnsupportedMediaType(
        expected=f"Content-Type {' or '.join(accepted)}",
        received=media_type(request)[:100] or "no Content-Type",
        remedy=_REMEDIES.get(accepted, _CONTENT_TYPE_REMEDY),
    )


def model_answer(runtime: Runtime) -> ModelAnswer:
    """The served model's identity, for an answer."""
    identity = runtime.manifest.model
    return ModelAnswer(
        name=identity.name, version=identity.version, fingerprint=identity.fingerprint
    )


def frames_answer(decoded: DecodedTracklet) -> FramesAnswer:
    """What became of an upload's frames, for an answer."""
    return FramesAnswer(
        received=decoded.received,
        used=len(decoded.used),
        rejected=[
            RejectedFrameAnswer(index=frame.index, reason=frame.reason)
            for frame in decoded.rejected
        ],
    )
