"""Drawn videos as the files that a client would upload."""

import io
from collections.abc import Sequence

import av
import numpy as np
from numpy.typing import NDArray

from tests.encoded_frames import drawn_picture

KINDS = (
    ("libx264", "mp4"),
    ("libx264", "mov"),
    ("libx264", "avi"),
    ("libx264", "matroska"),
    ("libx265", "mp4"),
    ("mpeg4", "mp4"),
    ("mpeg4", "avi"),
    ("mjpeg", "avi"),
    ("libvpx", "webm"),
    ("libvpx-vp9", "webm"),
    ("libsvtav1", "mp4"),
)
_QUIET = {"libx265": {"x265-params": "log-level=none"}}


def shaded(count: int, *, height: int = 128, width: int = 64) -> list[NDArray[np.uint8]]:
    """Pictures that get brighter from one to the next, so that each is known again."""
    picture = np.asarray(drawn_picture(1, height=height, width=width)) // 4
    return [(picture + 160 * place // count).astype(np.uint8) for place in range(count)]


def encoded_video(
    pictures: Sequence[NDArray[np.uint8]],
    codec: str = "libx264",
    container: str = "mp4",
    *,
    rate: int = 25,
    **options: str,
) -> bytes:
    """Pictures uint8 RGB [h, w, 3] as a video file."""
    stream = io.BytesIO()
    with av.open(stream, "w", format=container) as output:
        video = output.add_stream(codec, rate=rate, options={**_QUIET.get(codec, {}), **options})
        video.height, video.width = pictures[0].shape[:2]
        video.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for picture in pictures:
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            output.mux(video.encode(frame))
        output.mux(video.encode())
    return stream.getvalue()


def place_of(frame: NDArray[np.uint8], pictures: Sequence[NDArray[np.uint8]]) -> int:
    """Which of the shaded pictures the frame is, whatever its size and loss."""
    return int(np.argmin([abs(frame.mean() - picture.mean()) for picture in pictures]))
