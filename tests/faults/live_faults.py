"""A live service with faults, and requests of plain frames for it."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from PIL import Image

from tests.faults.faulty_service import PROGRAM, Faults
from tests.faults.requests_sent import request_bytes
from tests.live_service import LiveService, live_service
from tests.people import parts_of

GOOD = (40, 120, 200)
"""The colour of frames with which nothing is wrong."""

Colour = tuple[int, int, int]


@contextmanager
def faulty_service(
    artifact: Path, data: Path, faults: Faults, **settings: object
) -> Iterator[LiveService]:
    """The service with these faults; `settings` by their names, without the prefix."""
    variables = {f"REID_{name.upper()}": str(value) for name, value in settings.items()}
    told = {**faults.variables(), **variables}
    with live_service(artifact, data, settings=told, program=PROGRAM) as service:
        yield service


def plain_frame(colour: Colour, size: tuple[int, int] = (32, 64)) -> bytes:
    """A PNG of one colour, which it still is after resizing."""
    stream = io.BytesIO()
    Image.new("RGB", size, colour).save(stream, "PNG")
    return stream.getvalue()


def embed_request(colour: Colour = GOOD, *, frames: int = 1, **headers: str) -> bytes:
    """`/embed` of a tracklet of one colour."""
    files = parts_of([plain_frame(colour)] * frames)
    return request_bytes("POST", "/embed", files=files, headers=headers)


def enroll_request(tracklet_id: str, colour: Colour = GOOD, *, frames: int = 1) -> bytes:
    """Enroll a tracklet of one colour."""
    path = f"/galleries/default/tracklets/{tracklet_id}"
    return request_bytes("PUT", path, files=parts_of([plain_frame(colour)] * frames))


def search_request(colour: Colour = GOOD, *, frames: int = 1) -> bytes:
    """Search by a tracklet of one colour."""
    return request_bytes("POST", "/search", files=parts_of([plain_frame(colour)] * frames))


def enrolled(service: LiveService) -> set[str]:
    """Ids of what the default gallery holds."""
    found: set[str] = set()
    cursor: dict[str, str] = {}
    while True:
        page = httpx.get(
            f"{service.url}/galleries/default/tracklets", params={"limit": 1000, **cursor}
        ).json()
        found |= {tracklet["tracklet_id"] for tracklet in page["tracklets"]}
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}
