"""Drawn pictures as the files that a client would upload, honest and hostile."""

import io
import struct
import zlib

import numpy as np
from PIL import Image


def drawn_picture(
    seed: int, *, height: int = 90, width: int = 40, mode: str = "RGB"
) -> Image.Image:
    """A smooth random picture: a codec changes it little, and no two seeds look alike."""
    cells = np.random.default_rng(seed).integers(0, 256, (5, 3, 3), dtype=np.uint8)
    picture = Image.fromarray(cells).resize((width, height), Image.Resampling.BICUBIC)
    return picture.convert(mode)


def encoded(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """The picture as a file of `kind`."""
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def encoded_frame(seed: int, kind: str = "PNG", **options: object) -> bytes:
    """A drawn picture as a file of `kind`."""
    return encoded(drawn_picture(seed), kind, **options)


def png_chunk(name: bytes, content: bytes) -> bytes:
    """One PNG chunk with its checksum."""
    checksum = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)


def png_header(width: int, height: int) -> bytes:
    """The first 33 bytes of a PNG that claims this size; no pixel follows."""
    content = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", content)


def with_png_chunk(data: bytes, name: bytes, content: bytes) -> bytes:
    """The PNG with one more chunk behind its header."""
    return data[:33] + png_chunk(name, content) + data[33:]
