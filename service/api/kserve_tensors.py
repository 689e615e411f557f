"""Tensors of the Open Inference Protocol: as lists in JSON, or as bytes that follow the JSON."""

import math
import re
import struct

import numpy as np
from numpy.typing import NDArray

from service.api.base64_frames import decode_frames
from service.api.kserve_schemas import FILES, FRAMES, InferBody, InferInput
from service.api.raw_frames import too_many_frames
from service.api.validation import parse_json
from service.errors import InvalidInput, MalformedRequest
from service.media.tracklet_source import EncodedFrames, RawFrames, TrackletSource

HEADER_LENGTH = "Inference-Header-Content-Length"

_DATATYPES = {FRAMES: "UINT8", FILES: "BYTES"}
_MOST_NUMBERS = 2**21
"""Of pixels in JSON, 21 frames of 256 by 128; more come as bytes, which cost nothing to read."""
_LENGTH = struct.Struct("<I")


def split_body(body: bytes, header_length: str | None) -> tuple[bytes, bytes]:
    """The JSON of a body, and the bytes that follow it.

    Args:
        body: As it came.
        header_length: What the header says of the JSON's length; None where all is JSON.

    Raises:
        MalformedRequest: When the header is no length within the body.
    """
    if header_length is None:
        return body, b""
    # Its digits are counted first: thousands of them are no number that Python reads.
    stated = int(header_length) if re.fullmatch(r"[0-9]{1,18}", header_length) else None
    if stated is None or stated > len(body):
        raise MalformedRequest(
            expected=f"{HEADER_LENGTH} of 0 to {len(body)}, the body's length",
            received=repr(header_length[:40]),
            remedy="say how many bytes of the body are JSON",
        )
    return body[:stated], body[stated:]


def read_infer(json: bytes, tail: bytes, *, most_frames: int) -> tuple[InferBody, TrackletSource]:
    """What is asked, and the tracklet.

    Args:
        json: The JSON of the body.
        tail: The bytes that follow it.
        most_frames: That a tracklet may have.

    Raises:
        MalformedRequest: When the JSON is none.
        InvalidInput: When the tensor is not what it says, or not what the model takes.
        TooManyFrames: When there are more frames than `most_frames`.
    """
    body = parse_json(InferBody, json, fault=InvalidInput, most_values=_MOST_NUMBERS)
    tensor = body.inputs[0]
    if tensor.datatype != _DATATYPES[tensor.name]:
        raise _refused(f"`{tensor.name}` to be {_DATATYPES[tensor.name]}", tensor.datatype)
    _check_shape(tensor, most_frames)
    _check_place(tensor, tail)
    if tensor.name == FRAMES:
        return body, RawFrames(_pixels(tensor, tail))
    if tensor.data is None:
        return body, EncodedFrames(_files(tail, tensor.shape[0]))
    return body, _files_of_json(tensor, most_frames)


def _check_shape(tensor: InferInput, most_frames: int) -> None:
    wanted = "[t, h, w, 3]" if tensor.name == FRAMES else "[t]"
    whole = len(tensor.shape) == (4 if tensor.name == FRAMES else 1)
    colours = tensor.name == FILES or tensor.shape[-1:] == [3]
    if not (whole and colours and all(length >= 1 for length in tensor.shape)):
        raise _refused(
            f"`{tensor.name}` of shape {wanted}, each length 1 or more", str(tensor.shape)[:80]
        )
    if tensor.shape[0] > most_frames:
        raise too_many_frames(most_frames, received=str(tensor.shape[0])[:40])


def _check_place(tensor: InferInput, tail: bytes) -> None:
    stated = tensor.parameters.binary_data_size
    if (stated is None) == (tensor.data is None):
        raise _refused("exactly one of `data` and `binary_data_size`", "both or neither")
    if (stated or 0) != len(tail):
        raise _refused(f"{stated or 0} bytes behind the JSON", f"{len(tail)}")


def _pixels(tensor: InferInput, tail: bytes) -> NDArray[np.uint8]:
    size = math.prod(tensor.shape)
    wanted = f"`{FRAMES}` to have {size} values, as its shape says"
    if tensor.data is None:
        if len(tail) != size:
            raise _refused(wanted, f"{len(tail)} bytes")
        return np.frombuffer(tail, np.uint8).reshape(tensor.shape)
    if len(tensor.data) > size:
        raise _refused(wanted, f"a list of {len(tensor.data)}")
    try:
        values = np.asarray(tensor.data)
    except (ValueError, OverflowError) as error:
        raise _refused(f"`data` of {FRAMES} to be whole numbers of 0 to 255", "others") from error
    if values.size != size or (values.ndim != 1 and list(values.shape) != tensor.shape):
        raise _refused(wanted, f"{values.size} of shape {list(values.shape)}"[:80])
    if values.dtype.kind not in "iu" or values.min() < 0 or values.max() > 255:
        raise _refused(f"`data` of {FRAMES} to be whole numbers of 0 to 255", "others")
    return values.astype(np.uint8).reshape(tensor.shape)


def _files(tail: bytes, count: int) -> tuple[bytes, ...]:
    """Each file with its length before it, 4 bytes, little-endian."""
    files: list[bytes] = []
    start = 0
    while start < len(tail) and len(files) <= count:
        end = start + _LENGTH.size
        if end > len(tail):
            raise _refused(f"whole lengths before the {FILES}", f"{len(tail) - start} bytes")
        (length,) = _LENGTH.unpack(tail[start:end])
        if end + length > len(tail):
            raise _refused(f"{length} bytes of a file", f"{len(tail) - end}")
        files.append(tail[end : end + length])
        start = end + length
    if len(files) != count:
        raise _refused(f"{count} {FILES}, as the shape says", str(len(files)))
    return tuple(files)


def _files_of_json(tensor: InferInput, most_frames: int) -> EncodedFrames:
    texts = [text for text in tensor.data or () if isinstance(text, str)]
    if len(texts) != tensor.shape[0] or len(texts) != len(tensor.data or ()):
        raise _refused(
            f"`data` of {FILES} to be {tensor.shape[0]} texts, as the shape says",
            f"{len(texts)} texts of {len(tensor.data or ())} values",
        )
    return decode_frames(texts, most=most_frames, name=FILES)


def _refused(expected: str, received: str) -> InvalidInput:
    return InvalidInput(
        expected=expected,
        received=received,
        remedy="GET /v2/models/reid says which tensors the model takes",
    )
