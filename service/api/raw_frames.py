"""Pixels on the wire: `uint8` RGB, frames by rows by columns by 3, and their shape beside them."""

import math
from collections.abc import Sequence

import numpy as np

from service.errors import InvalidInput, TooManyFrames
from service.media.tracklet_source import RawFrames

SHAPE_HEADER = "X-Tracklet-Shape"
_LONGEST_ECHO = 60


def parse_shape(text: str) -> list[int]:
    """The shape of a header's text, as `8,256,128,3`.

    Raises:
        InvalidInput: When that is not four whole numbers.
    """
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 4 or not all(part.isascii() and part.isdecimal() for part in parts):
        raise _wrong_shape(repr(text[:_LONGEST_ECHO]) if text else "nothing")
    return [int(part[:_LONGEST_ECHO]) for part in parts]


def raw_frames(pixels: bytes | memoryview, shape: Sequence[int], *, max_frames: int) -> RawFrames:
    """The frames, which share the memory of `pixels`.

    Args:
        pixels: uint8, in C order.
        shape: Frames, rows, columns and 3.
        max_frames: The most that are taken.

    Raises:
        InvalidInput: When the shape is none of frames in colour, or is not that of the pixels.
        TooManyFrames: When there are too many frames.
    """
    if len(shape) != 4 or shape[3] != 3 or min(shape) < 1:
        raise _wrong_shape(str(list(shape))[:_LONGEST_ECHO])
    if shape[0] > max_frames:
        raise too_many_frames(max_frames)
    if math.prod(shape) != len(pixels):
        raise InvalidInput(
            expected=f"{math.prod(shape)} bytes of pixels for the shape {list(shape)}",
            received=f"{len(pixels)} bytes",
            remedy="send uint8 RGB in C order, and the shape that it has",
        )
    return RawFrames(np.frombuffer(pixels, np.uint8).reshape(shape))


def too_many_frames(max_frames: int, *, received: str = "more", where: str = "") -> TooManyFrames:
    """The error for a tracklet of more than `max_frames` frames."""
    return TooManyFrames(
        expected=f"at most {max_frames} frames{where}",
        received=received,
        remedy="send frames spread evenly over the tracklet, or raise the service's limit",
    )


def _wrong_shape(received: str) -> InvalidInput:
    return InvalidInput(
        expected="a shape of frames, rows, columns and 3, each at least 1",
        received=received,
        remedy=f"send it in the header, {SHAPE_HEADER}: 8,256,128,3, or as `shape` in msgpack",
    )
