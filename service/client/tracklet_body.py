"""A tracklet as the body of a request: msgpack, which costs the service least to read."""

from collections.abc import Sequence
from typing import TypeAlias

import msgpack
import numpy as np
from pydantic import BaseModel

from service.media.tracklet_source import EncodedFrames, RawFrames, VideoOfCrops

Tracklet: TypeAlias = Sequence[bytes] | EncodedFrames | RawFrames | VideoOfCrops
"""Picture files in time order, pixels uint8 RGB [t, h, w, 3], or a video of crops."""

HEADERS = {"Content-Type": "application/msgpack"}


def packed_tracklet(
    tracklet: Tracklet, field: str | None = None, beside: BaseModel | None = None
) -> bytes:
    """The tracklet, and what is said beside it under the name `field`.

    Raises:
        ValueError: When pixels are of another type or shape.
    """
    body: dict[str, object] = _frames(tracklet)
    if field is not None and beside is not None:
        body[field] = beside.model_dump(mode="json", exclude_none=True)
    packed: bytes = msgpack.packb(body)
    return packed


def _frames(tracklet: Tracklet) -> dict[str, object]:
    if isinstance(tracklet, VideoOfCrops):
        return {"video": tracklet.file}
    if isinstance(tracklet, EncodedFrames):
        return {"frames": list(tracklet.files)}
    if not isinstance(tracklet, RawFrames):
        return {"frames": list(tracklet)}
    pixels = tracklet.pixels
    if pixels.dtype != np.uint8 or pixels.ndim != 4 or pixels.shape[3] != 3:
        raise ValueError(
            f"expected pixels uint8 [t, h, w, 3], received {pixels.dtype} {list(pixels.shape)}; "
            "convert them to RGB of 8 bits"
        )
    return {"pixels": pixels.tobytes(), "shape": list(pixels.shape)}
