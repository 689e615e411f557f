"""Files that a service meets sooner or later, drawn or made by hand, each as a request to `/embed`.

Every name is a row of the table in docs/inputs.md, which says how the file is answered.
"""

import io
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import av
import msgpack
import numpy as np
from PIL import Image

from tests.encoded_frames import (
    drawn_picture,
    encoded,
    encoded_frame,
    png_header,
    with_png_chunk,
)
from tests.encoded_videos import encoded_video, shaded

SCRIPT = b"<html><script>alert(1)</script></html>"


@dataclass(frozen=True)
class Hostile:
    """A request: a content type and a body, or files of a multipart form under one name."""

    files: tuple[bytes, ...] = ()
    field: str = "frames"
    content_type: str = ""
    body: bytes = b""
    headers: Mapping[str, str] | None = None


def hostile_files() -> dict[str, Callable[[], Hostile]]:
    """By the name in the table; made when asked for."""
    pictures = {
        **_honest_pictures(),
        **_damaged_pictures(),
        **_other_kinds(),
        **_bombs(),
    }
    made = {name: lambda make=make: Hostile((make(),)) for name, make in pictures.items()}
    return {**made, **_many(), **_videos(), **_packed()}


def _honest_pictures() -> dict[str, Callable[[], bytes]]:
    return {
        "a JPEG, PNG or WebP of a person": lambda: encoded_frame(1, "WEBP"),
        "a progressive JPEG": lambda: encoded_frame(1, "JPEG", progressive=True),
        "a JPEG in grey": lambda: encoded(drawn_picture(1, mode="L"), "JPEG"),
        "a JPEG in CMYK": lambda: encoded(drawn_picture(1, mode="CMYK"), "JPEG"),
        "a JPEG with an EXIF orientation": lambda: encoded_frame(1, "JPEG", exif=_turned()),
        "a JPEG with a script in a comment": lambda: encoded_frame(1, "JPEG", comment=SCRIPT),
        "a JPEG that is an archive as well": lambda: encoded_frame(1, "JPEG") + b"PK\x03\x04" * 99,
        "a PNG of 16 bits in grey": lambda: encoded(Image.fromarray(_sixteen_bits())),
        "a PNG with a palette": lambda: encoded(drawn_picture(1, mode="P")),
        "a PNG with transparency": lambda: encoded(drawn_picture(1, mode="RGBA")),
        "a picture of one pixel": lambda: encoded(Image.new("RGB", (1, 1), (200, 30, 30))),
    }


def _damaged_pictures() -> dict[str, Callable[[], bytes]]:
    noise = Image.effect_noise((40, 90), 60)
    return {
        "an empty file": lambda: b"",
        "a JPEG cut off in its header": lambda: encoded(noise, "JPEG")[:100],
        "a JPEG cut off in its pixels": lambda: encoded(noise, "JPEG")[:-300],
        "a PNG cut off": lambda: encoded(noise)[:-300],
        "a WebP cut off": lambda: encoded(noise, "WEBP")[:-300],
        "a PNG with a second header": _doubled_header,
    }


def _other_kinds() -> dict[str, Callable[[], bytes]]:
    still, moved = drawn_picture(1), [drawn_picture(2)]
    return {
        "an animated PNG": lambda: encoded(still, save_all=True, append_images=moved),
        "an animated WebP": lambda: encoded(still, "WEBP", save_all=True, append_images=moved),
        "a GIF": lambda: encoded(still, "GIF"),
        "a GIF that is a JPEG as well": lambda: b"GIF89a" + encoded(still, "JPEG"),
        "a BMP": lambda: encoded(still, "BMP"),
        "a TIFF": lambda: encoded(still, "TIFF"),
        "an AVIF or HEIF": lambda: encoded(still, "AVIF"),
        "an SVG": lambda: b"<svg xmlns='http://www.w3.org/2000/svg'><image href='/etc/passwd'/>",
        "a PDF": lambda: b"%PDF-1.7\n" + bytes(100),
        "a text named .jpg": lambda: b"hello, I am a text\n" * 20,
    }


def _bombs() -> dict[str, Callable[[], bytes]]:
    text = b"note\x00\x00" + zlib.compress(bytes(50_000_000), 9)
    profile = b"profile\x00\x00" + zlib.compress(bytes(50_000_000), 9)
    return {
        "a PNG of 50000 x 50000 pixels": lambda: png_header(50_000, 50_000),
        "a JPEG that says 65500 x 65500": lambda: _resized_jpeg(65_500),
        "a PNG with 50 MB of packed text": lambda: with_png_chunk(encoded_frame(1), b"zTXt", text),
        "a PNG with 50 MB of colour profile": lambda: with_png_chunk(
            encoded_frame(1), b"iCCP", profile
        ),
        "a JPEG of 200 scans": _many_scans,
    }


def _many() -> dict[str, Callable[[], Hostile]]:
    black = Image.new("RGB", (2000, 2000))
    return {
        "one text among pictures": lambda: Hostile((encoded_frame(1), b"text", encoded_frame(2))),
        "256 damaged pictures of 4 megapixels": lambda: Hostile((encoded(black)[:-99],) * 256),
        "257 pictures": lambda: Hostile((encoded_frame(1),) * 257),
    }


def _videos() -> dict[str, Callable[[], Hostile]]:
    def video(file: bytes) -> Hostile:
        return Hostile((file,), field="video")

    black = np.zeros((4000, 2000, 3), np.uint8)
    return {
        "a video of crops": lambda: video(encoded_video(shaded(20))),
        "a video whose pictures grow on the way": lambda: video(_growing()),
        "a video cut in half": lambda: video(_half(encoded_video(shaded(20)))),
        "a video of 4000 x 2000 pixels": lambda: video(encoded_video([black])),
        "a video of 2100 pictures": lambda: video(encoded_video(shaded(2100, height=64, width=32))),
        "a video of ten minutes": lambda: video(encoded_video(shaded(601), rate=1)),
        "a video in another codec": lambda: video(encoded_video(shaded(3), "ffv1", "matroska")),
        "a video in another container": lambda: video(encoded_video(shaded(3), "libx264", "flv")),
        "a playlist of other files": lambda: video(b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"),
        "a picture sent as a video": lambda: video(encoded_frame(1, "JPEG")),
        "frames beside a video": lambda: Hostile(
            content_type="application/msgpack",
            body=msgpack.packb({"frames": [encoded_frame(1)], "video": b"x"}),
        ),
    }


def _packed() -> dict[str, Callable[[], Hostile]]:
    def packed(body: bytes) -> Hostile:
        return Hostile(content_type="application/msgpack", body=body)

    def raw(shape: str, size: int) -> Hostile:
        headers = {"X-Tracklet-Shape": shape}
        return Hostile(content_type="application/octet-stream", body=bytes(size), headers=headers)

    maps = b"\x81\xa6frames\xdd" + (10**7).to_bytes(4, "big") + b"\x80" * 10**7
    return {
        "msgpack that is cut off": lambda: packed(msgpack.packb({"frames": [b"x"]})[:-1]),
        "msgpack of ten million maps": lambda: packed(maps),
        "msgpack nested 5000 deep": lambda: packed(b"\x81\xa6frames" + b"\x91" * 5000),
        "pixels of another shape": lambda: raw("2,64,32,3", 2 * 64 * 32 * 3 - 1),
        "pixels without a shape": lambda: raw("", 9),
        "pixels of 5000 x 1": lambda: raw("1,5000,1,3", 15_000),
    }


def _turned() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def _sixteen_bits() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 2**16, (90, 40), dtype=np.uint16)


def _doubled_header() -> bytes:
    data = encoded_frame(1)
    return data[:33] + png_header(50_000, 50_000)[8:] + data[33:]


def _resized_jpeg(side: int) -> bytes:
    data = bytearray(encoded_frame(1, "JPEG"))
    place = data.index(b"\xff\xc0") + 5
    data[place : place + 4] = side.to_bytes(2, "big") * 2
    return bytes(data)


def _many_scans() -> bytes:
    data = encoded_frame(1, "JPEG", progressive=True)
    last = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + last * 200 + data[-2:]


def _half(file: bytes) -> bytes:
    return file[: len(file) // 2]


def _growing() -> bytes:
    """Two small pictures, then two of 24 megapixels, as one stream of M-JPEG."""
    stream = io.BytesIO()
    large = Image.new("RGB", (6000, 4000))
    files = [encoded_frame(1, "JPEG"), encoded_frame(2, "JPEG"), *[encoded(large, "JPEG")] * 2]
    with av.open(stream, "w", format="matroska") as output:
        video = output.add_stream("mjpeg", rate=25)
        video.height, video.width, video.pix_fmt = 90, 40, "yuvj420p"
        output.start_encoding()
        for place, file in enumerate(files):
            packet = av.Packet(file)
            packet.stream, packet.time_base = video, video.time_base
            packet.pts = packet.dts = place * 40
            packet.is_keyframe = True
            output.mux(packet)
    return stream.getvalue()
