"""Opens an uploaded video: containers and codecs out of a list, nothing but its own bytes."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from service.errors import NoReadableFrame

CODECS = ("h264", "hevc", "mpeg4", "mjpeg", "vp8", "vp9", "av1")
KINDS = "MP4, MOV, Matroska, WebM or AVI with H.264, H.265, MPEG-4, M-JPEG, VP8, VP9 or AV1"
_STILL_BRANDS = frozenset({b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1"})
_AVI = "avi"
_OPTIONS = {
    "codec_whitelist": ",".join((*CODECS, "libdav1d")),
    "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi",
    "protocol_whitelist": "none",
}
"""There is no protocol of this name: what a file names, on this machine or in a network, stays
closed."""
_OPEN_TIMEOUT_S = 10.0
_READ_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class OpenVideo:
    """An open container.

    Attributes:
        container: To read packets from.
        stream: The only one that is read.
        keeps_times: Whether the container says when each picture is shown; AVI only counts them,
            in the order in which they are coded.
    """

    container: InputContainer
    stream: VideoStream
    keeps_times: bool


@contextmanager
def open_video(file: bytes, *, max_pixels: int) -> Iterator[OpenVideo]:
    """Open the video; no picture is decoded but what it takes to know their size.

    The kind of container is decided here, by the first bytes, and not by probing, which would try
    every demuxer there is. A file that asks for another file gets none.

    Args:
        file: The whole file.
        max_pixels: Codecs refuse larger pictures, also when the size changes on the way.

    Raises:
        NoReadableFrame: When it is no video of a kind that is taken.
    """
    options = {**_OPTIONS, "max_pixels": str(max_pixels)}
    kind = _container(file)
    try:
        with av.open(
            io.BytesIO(file),
            "r",
            format=kind,
            options=options,
            timeout=(_OPEN_TIMEOUT_S, _READ_TIMEOUT_S),
            metadata_errors="replace",
        ) as container:
            yield OpenVideo(container, _video_stream(container, max_pixels), kind != _AVI)
    except av.FFmpegError as error:
        raise unreadable_video(f"one that cannot be read ({error.strerror})") from error


def unreadable_video(received: str) -> NoReadableFrame:
    """The error for a video that is not decoded."""
    return NoReadableFrame(
        expected=f"a whole video: {KINDS}",
        received=received,
        remedy="send a video of crops of one person, or the frames as pictures",
    )


def _container(file: bytes) -> str:
    if file.startswith(b"\x1aE\xdf\xa3"):
        return "matroska"
    if file[4:8] == b"ftyp" and file[8:12] not in _STILL_BRANDS:
        return "mov"
    if file[:4] == b"RIFF" and file[8:12] == b"AVI ":
        return _AVI
    raise unreadable_video(f"{len(file)} bytes of another kind")


def _video_stream(container: InputContainer, max_pixels: int) -> VideoStream:
    if len(container.streams.video) != 1:
        raise unreadable_video(f"{len(container.streams.video)} video streams in one file")
    stream = container.streams.video[0]
    context = stream.codec_context
    if context is None or context.codec.canonical_name not in CODECS:
        raise unreadable_video("a codec that is not taken")
    context.thread_count = 1
    context.thread_type = "NONE"
    context.options = {"max_pixels": str(max_pixels)}
    return stream
