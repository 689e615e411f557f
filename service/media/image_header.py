"""Format and dimensions of an uploaded picture, from its header, before any codec sees it.

A codec must not be the one to find out that a picture is 50,000 pixels wide: some allocate the
canvas while opening, and the imaging library would answer with a process-wide warning. So the few
bytes that matter are read here, and what no codec needs is refused or cut off: animations, a second
header, hundreds of scans, metadata.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

FORMATS = ("JPEG", "PNG", "WEBP")

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_JPEG_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_FILL = re.compile(rb"\xff+")
_JPEG_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})
_JPEG_START_OF_SCAN = 0xDA
_JPEG_METADATA = frozenset({0xFE, *range(0xE1, 0xF0)}) - {0xEE}
"""Comments and application segments, but for APP0 and APP14, which say how colours are coded."""
_MOST_JPEG_SCANS = 100
"""Progressive pictures have about ten; each is a pass over all pixels that costs a few bytes."""
_OTHER_KINDS = {b"GIF8": "GIF", b"BM": "BMP", b"II*\x00": "TIFF", b"MM\x00*": "TIFF"}


class UnreadableImageError(ValueError):
    """A picture that is not decoded; the text says expected, received and remedy."""


@dataclass(frozen=True)
class ImageHeader:
    """What a picture says of itself.

    Attributes:
        format: One of `FORMATS`.
        width: Columns, in pixels.
        height: Rows, in pixels.
        picture: The file to decode: for JPEG without EXIF, XMP, colour profile and comments, which
            change no pixel here and are where parsers go wrong.
    """

    format: str
    width: int
    height: int
    picture: bytes


def read_header(data: bytes) -> ImageHeader:
    """Read the header of a JPEG, PNG or WebP file.

    Raises:
        UnreadableImageError: When the data is of another kind, the header is cut off, or the
            picture is an animation.
    """
    try:
        if data.startswith(_PNG_SIGNATURE):
            return _png(data)
        if data.startswith(b"\xff\xd8\xff"):
            return _jpeg(data)
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return _webp(data)
    except (struct.error, IndexError) as error:
        raise UnreadableImageError(
            f"expected a whole picture, received {len(data)} bytes that end inside the header; "
            "send the file again"
        ) from error
    raise UnreadableImageError(
        f"expected {', '.join(FORMATS)} data, received {_kind(data)}; convert the frame"
    )


def _kind(data: bytes) -> str:
    for start, name in _OTHER_KINDS.items():
        if data.startswith(start):
            return f"{name} data"
    if data[4:8] == b"ftyp":
        return "HEIF or AVIF data or a video"
    return f"{len(data)} bytes of no known picture format"


def _png(data: bytes) -> ImageHeader:
    length, name, width, height = struct.unpack_from(">I4sII", data, len(_PNG_SIGNATURE))
    if name != b"IHDR" or length != 13:
        raise UnreadableImageError(
            "expected a PNG picture that opens with its header chunk, received another chunk; "
            "write the frame again"
        )
    chunks = list(_png_chunks(data))
    if chunks.count(b"IHDR") != 1:
        raise UnreadableImageError(
            f"expected one PNG header chunk, received {chunks.count(b'IHDR')}; "
            "write the frame again"
        )
    if b"acTL" in chunks:
        raise _animated("PNG")
    return ImageHeader("PNG", width, height, data)


def _png_chunks(data: bytes) -> Iterator[bytes]:
    position = len(_PNG_SIGNATURE)
    while position + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, position)
        yield name
        position += length + 12


def _webp(data: bytes) -> ImageHeader:
    chunk = data[12:16]
    if chunk == b"VP8X":
        if data[20] & 0x02:
            raise _animated("WEBP")
        width = 1 + int.from_bytes(data[24:27], "little")
        height = 1 + int.from_bytes(data[27:30], "little")
        data[29]  # the last byte of the height must be there
        return ImageHeader("WEBP", width, height, data)
    if chunk == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return ImageHeader("WEBP", 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF), data)
    if chunk == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return ImageHeader("WEBP", width & 0x3FFF, height & 0x3FFF, data)
    raise UnreadableImageError(
        "expected a WEBP picture that opens with VP8, VP8L or VP8X, received another chunk; "
        "write the frame again"
    )


def _animated(kind: str) -> UnreadableImageError:
    return UnreadableImageError(
        f"expected a still picture, received an animated {kind}; send each frame as its own file"
    )


def _jpeg(data: bytes) -> ImageHeader:
    sizes = []
    kept = [data[:2]]
    for marker, start, stop in _jpeg_segments(data):
        if marker in _JPEG_FRAME_HEADERS:
            height, width = struct.unpack_from(">HH", data, start + 5)
            sizes.append((width, height))
        if marker == _JPEG_START_OF_SCAN:
            kept.append(data[start:])
        elif marker not in _JPEG_METADATA:
            kept.append(data[start:stop])
    if len(sizes) != 1:
        raise UnreadableImageError(
            f"expected one JPEG frame header before the first scan, received {len(sizes)}; "
            "write the frame again"
        )
    scans = kept[-1].count(bytes((0xFF, _JPEG_START_OF_SCAN)))
    if scans > _MOST_JPEG_SCANS:
        raise UnreadableImageError(
            f"expected at most {_MOST_JPEG_SCANS} JPEG scans, received {scans}; "
            "write the frame as a baseline JPEG"
        )
    return ImageHeader("JPEG", *sizes[0], b"".join(kept))


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, first and last-but-one byte of each segment, up to and with the first scan."""
    position = 2
    while True:
        position = data.find(b"\xff", position)
        if position < 0:
            raise IndexError
        marker = data[position + 1]
        if marker == 0xFF:  # fill bytes, any number of them: to the last one in one step
            fill = _FILL.match(data, position)
            position = fill.end() - 1 if fill else position + 1
            continue
        if marker == 0x00:
            position += 1
            continue
        if marker in _JPEG_STANDALONE:
            position += 2
            continue
        stop = position + 2 + struct.unpack_from(">H", data, position + 2)[0]
        yield marker, position, stop
        if marker == _JPEG_START_OF_SCAN:
            return
        position = stop
