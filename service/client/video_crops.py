"""Cuts tracklets out of a video: one pass, and only what is still to be sent is held."""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
import simplejpeg
from av.container import InputContainer
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from model.manifest import FrameChoice
from service.client.mot_tracks import Track, TrackBox

_JPEG_QUALITY = 95
_OPTIONS = {
    "format_whitelist": "3gp,asf,avi,flv,h264,hevc,ivf,matroska,mjpeg,mov,mp4,mpeg,mpegts,mxf,ogg",
    "protocol_whitelist": "file",
}
"""Of what cameras write: a text is no video, and a playlist would have other files opened."""
LEAST_SIDE_PX = 4
"""Of what is left of a box inside the picture; less shows nobody."""


class VideoError(ValueError):
    """A video that cannot be read; the text says expected, received and remedy."""


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """What a video says of itself: pictures a second, and the size at which it is shown."""

    fps: float
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class PlannedTrack:
    """A track and those of its boxes that are cut out, clamped to the picture, in order."""

    track: Track
    boxes: tuple[TrackBox, ...]


@dataclass(slots=True)
class CutTrack:
    """A track whose frames are all there: JPEG files in time order."""

    planned: PlannedTrack
    frames: list[bytes] = field(default_factory=list)


def video_facts(path: Path) -> VideoFacts:
    """What the video says of itself.

    Raises:
        VideoError: When it cannot be opened or is no video.
    """
    with _opened(path) as container:
        stream = container.streams.video[0]
        picture = next(container.decode(stream), None)
        if picture is None:
            raise VideoError(
                f"expected a video with pictures at {path}, received none; name another file"
            )
        height, width = _upright(picture).shape[:2]
        return VideoFacts(float(stream.average_rate or 0), width, height)


def plan_track(track: Track, facts: VideoFacts, choice: FrameChoice) -> PlannedTrack:
    """Choose among the boxes of which enough is inside the picture; there may be none."""
    inside = [box for box in (_clamped(box, facts) for box in track.boxes) if box is not None]
    return PlannedTrack(track, tuple(inside[place] for place in choice.indices(len(inside))))


def cut_tracks(path: Path, planned: Sequence[PlannedTrack]) -> Iterator[CutTrack]:
    """Each track as soon as its last frame was decoded; those beyond the video's end never come.

    Raises:
        VideoError: When the video cannot be read, or not to the frames that are wanted.
    """
    open_tracks: dict[int, CutTrack] = {}
    wanted: dict[int, list[tuple[PlannedTrack, TrackBox]]] = defaultdict(list)
    for one in planned:
        open_tracks[one.track.track_id] = CutTrack(one)
        for box in one.boxes:
            wanted[box.frame].append((one, box))
    for number, picture in enumerate(_pictures(path), 1):
        boxes = wanted.pop(number, ())
        pixels = _upright(picture) if boxes else None
        for one, box in boxes:
            cut = open_tracks[one.track.track_id]
            if pixels is not None:
                cut.frames.append(_crop(pixels, box))
            if len(cut.frames) == len(one.boxes):
                yield open_tracks.pop(one.track.track_id)
        if not wanted:
            return


def _opened(path: Path) -> InputContainer:
    if not path.is_file():
        raise VideoError(f"expected a video file at {path}, received nothing; name a file")
    try:
        container = av.open(str(path.resolve()), "r", options=_OPTIONS, metadata_errors="replace")
    except av.FFmpegError as error:
        # What is not in the list is to the library an invalid argument.
        kind = isinstance(error, av.error.ArgumentError)
        why = "a file of another kind" if kind else error.strerror
        raise VideoError(
            f"expected a video at {path}, received: {why}; name another file"
        ) from error
    if not container.streams.video:
        container.close()
        raise VideoError(f"expected a video at {path}, received no pictures; name another file")
    return container


def _pictures(path: Path) -> Iterator[VideoFrame]:
    came = 0
    with _opened(path) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        try:
            for picture in container.decode(stream):
                came += 1
                yield picture
        except av.FFmpegError as error:
            raise VideoError(
                f"expected a whole video at {path}, received damage behind frame {came} "
                f"({error.strerror}); write the video again"
            ) from error


def _upright(picture: VideoFrame) -> NDArray[np.uint8]:
    """Pixels uint8 RGB [h, w, 3] as they are shown, and as trackers see them."""
    pixels = np.asarray(picture.to_ndarray(format="rgb24"), np.uint8)
    return np.rot90(pixels, round(picture.rotation / 90) % 4)


def _clamped(box: TrackBox, facts: VideoFacts) -> TrackBox | None:
    left, top = max(0, math.floor(box.left)), max(0, math.floor(box.top))
    right = min(facts.width, math.ceil(box.left + box.width))
    bottom = min(facts.height, math.ceil(box.top + box.height))
    if min(right - left, bottom - top) < LEAST_SIDE_PX:
        return None
    return TrackBox(box.frame, left, top, right - left, bottom - top)


def _crop(pixels: NDArray[np.uint8], box: TrackBox) -> bytes:
    left, top, width, height = (int(side) for side in (box.left, box.top, box.width, box.height))
    crop = np.ascontiguousarray(pixels[top : top + height, left : left + width])
    file: bytes = simplejpeg.encode_jpeg(
        crop, quality=_JPEG_QUALITY, colorspace="RGB", colorsubsampling="444"
    )
    return file
