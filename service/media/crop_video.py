"""A video whose every picture is a crop of the person, to the frames that are embedded.

Pictures come out in the order in which they are shown. As with EXIF, a rotation that the container
asks for is not applied: crops are upright as the tracker saw them.
"""

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import av
import numpy as np
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from model.manifest import Preprocessing
from service.errors import TooManyFrames
from service.media.decode_budget import DecodeBudget
from service.media.decoded_tracklet import DecodedTracklet, FrameRows, decoded_tracklet
from service.media.frame_limits import FrameLimits
from service.media.image_header import UnreadableImageError
from service.media.pixels import resized
from service.media.video_file import OpenVideo, open_video, unreadable_video
from service.media.video_limits import VideoLimits

_Coded: TypeAlias = "Packet[VideoStream]"
"""Quoted, since the class takes a parameter for the type checker alone."""
_DAMAGED = "expected a whole picture, received data that cannot be decoded; send the file again"
_REMEDY = "send a video of crops of one person that plays to its end"


def decode_video(
    file: bytes,
    limits: tuple[FrameLimits, VideoLimits],
    preprocessing: Preprocessing,
    budget: DecodeBudget,
) -> DecodedTracklet:
    """Decode the frames that are to be embedded; the manifest's choice is made among all pictures.

    Args:
        file: The whole file.
        limits: What one picture, and what the video, may be.
        preprocessing: Which frames are chosen, and their size.
        budget: What that may cost; every picture up to the last one chosen counts.

    Raises:
        NoReadableFrame: When it is no video that is taken, or no chosen picture can be decoded.
        TooManyFrames: When the video has too many pictures, or lasts too long.
        DecodeBudgetExceeded: When that takes too much.
    """
    of_frame, of_video = limits
    with open_video(file, max_pixels=of_frame.max_pixels) as video:
        _require_size(video.stream, of_frame)
        packets = _packets(video, of_video, most_bytes=2 * len(file), budget=budget)
        shown = [packet for packet in packets if not packet.is_discard]
        _require_duration(shown, of_video)
        chosen = preprocessing.choice.indices(len(shown))
        rows = FrameRows(len(chosen), preprocessing)
        reasons = dict.fromkeys(chosen, _DAMAGED)
        for index, frame in _pictures(video, packets, shown, budget):
            if index in reasons and not frame.is_corrupt:
                try:
                    rows.keep(index, _rgb(frame, of_frame, preprocessing))
                    del reasons[index]
                except UnreadableImageError as error:
                    reasons[index] = str(error)
            if not reasons:
                break
    return decoded_tracklet(rows, reasons, received=len(shown), remedy=_REMEDY)


def _require_size(stream: VideoStream, limits: FrameLimits) -> None:
    context = stream.codec_context
    try:
        limits.check_size(width=context.width, height=context.height)
    except UnreadableImageError as error:
        raise unreadable_video(f"a video whose pictures cannot be used ({error})") from error


def _packets(
    video: OpenVideo, limits: VideoLimits, *, most_bytes: int, budget: DecodeBudget
) -> list[_Coded]:
    """All coded pictures; a container may pack them, so what they hold together is bounded."""
    packets: list[_Coded] = []
    held_bytes = 0
    for packet in video.container.demux(video.stream):
        budget.spend(0)
        if not packet.size:
            continue  # the mark of the end
        packets.append(packet)
        held_bytes += packet.size
        if len(packets) > limits.frames:
            raise TooManyFrames(
                expected=f"a video of at most {limits.frames} pictures",
                received="more",
                remedy="cut it shorter, or raise REID_MAX_VIDEO_FRAMES",
            )
        if held_bytes > most_bytes:
            raise unreadable_video("pictures that are larger than the file")
    return packets


def _require_duration(shown: Sequence[_Coded], limits: VideoLimits) -> None:
    times_s = [float(each.pts * each.time_base) for each in shown if each.pts is not None]
    duration_s = max(times_s) - min(times_s) if times_s else 0.0
    if duration_s > limits.seconds:
        raise TooManyFrames(
            expected=f"a video of at most {limits.seconds:g} s",
            received=f"one of {duration_s:.0f} s",
            remedy="cut it shorter, or raise REID_MAX_VIDEO_S",
        )


def _pictures(
    video: OpenVideo,
    packets: Sequence[_Coded],
    shown: Sequence[_Coded],
    budget: DecodeBudget,
) -> Iterator[tuple[int, VideoFrame]]:
    """Pictures with their places among those that are shown.

    The place is that of a picture's time among all times, so that one damaged picture does not
    shift the others; where the container keeps no times, pictures are counted.
    """
    times = sorted({packet.pts for packet in shown if packet.pts is not None})
    told = video.keeps_times and len(times) == len(shown)
    place_of = {time: place for place, time in enumerate(times)} if told else {}
    came = 0
    for packet in [*packets, None]:
        for frame in _decoded(video.stream, packet, budget):
            yield (came if frame.pts is None else place_of.get(frame.pts, came)), frame
            came += 1


def _decoded(
    stream: VideoStream, packet: "_Coded | None", budget: DecodeBudget
) -> Sequence[VideoFrame]:
    context = stream.codec_context
    budget.spend(context.width * context.height)
    try:
        return context.decode(packet)
    except av.FFmpegError:
        return ()


def _rgb(frame: VideoFrame, limits: FrameLimits, preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """The picture at the model's size; sizes may change on the way.

    Raises:
        UnreadableImageError: When the picture is too large.
    """
    limits.check_size(width=frame.width, height=frame.height)
    return resized(np.asarray(frame.to_ndarray(format="rgb24"), np.uint8), preprocessing)
