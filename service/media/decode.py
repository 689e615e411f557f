"""One tracklet, in whatever form, to the frames that are embedded, in threads of its own.

How much may wait is bounded before it, by admission.
"""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from model.manifest import Preprocessing
from service.errors import DecodeFailed, NotReady, ReidError
from service.media.decode_budget import DecodeBudget, DecodeLimits
from service.media.decoded_tracklet import DecodedTracklet
from service.media.frame_limits import FrameLimits
from service.media.picture_files import decode_pictures
from service.media.raw_pixels import choose_pixels
from service.media.tracklet_source import EncodedFrames, RawFrames, TrackletSource
from service.media.video_limits import VideoLimits


@dataclass(frozen=True, slots=True)
class MediaLimits:
    """What an upload may be.

    Attributes:
        frame: What one frame may be.
        tracklet: What all of them may cost together.
        video: What a video of them may be.
    """

    frame: FrameLimits
    tracklet: DecodeLimits
    video: VideoLimits


class FrameDecoder:
    """Decodes tracklets in `threads` threads, one tracklet per thread at a time.

    Args:
        limits: What an upload may be.
        preprocessing: Which frames are embedded, and at what size.
        threads: Threads of the decoder's own pool.
    """

    def __init__(
        self,
        limits: MediaLimits,
        preprocessing: Preprocessing,
        *,
        threads: int,
    ) -> None:
        self._limits = limits
        self._preprocessing = preprocessing
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="decode")
        self._closed = threading.Event()

    async def decode(self, source: TrackletSource) -> DecodedTracklet:
        """Decode the frames of one tracklet that are to be embedded.

        Args:
            source: The frames, as they came.

        Raises:
            NoReadableFrame: When not one frame can be decoded.
            TooManyFrames: When a video is too long.
            DecodeBudgetExceeded: When decoding takes more than a tracklet may take.
            DecodeFailed: When the decoder raises what it never should.
            NotReady: When the decoder is closed.
        """
        abandoned = threading.Event()
        self._refuse_when_closed()
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._pool, self._decode_tracklet, source, abandoned
            )
        except ReidError:
            raise
        except Exception as error:
            self._refuse_when_closed()
            raise _failed(error) from error
        finally:
            abandoned.set()

    def close(self) -> None:
        """Stop the threads after the frames in hand; calls under way fail with `NotReady`."""
        self._closed.set()
        self._pool.shutdown(wait=True)

    def _refuse_when_closed(self) -> None:
        if self._closed.is_set():
            raise NotReady(
                expected="a running decoder",
                received="a request while the service stops",
                remedy="send the request again later",
                retry_after_s=1,
            )

    def _decode_tracklet(
        self, source: TrackletSource, abandoned: threading.Event
    ) -> DecodedTracklet:
        def go_on() -> None:
            self._refuse_when_closed()
            if abandoned.is_set():
                raise _AbandonedError

        return self._frames_of(source, DecodeBudget(self._limits.tracklet, go_on))

    def _frames_of(self, source: TrackletSource, budget: DecodeBudget) -> DecodedTracklet:
        limits, preprocessing = self._limits, self._preprocessing
        if isinstance(source, EncodedFrames):
            return decode_pictures(source.files, limits.frame, preprocessing, budget)
        if isinstance(source, RawFrames):
            return choose_pixels(source.pixels, limits.frame, preprocessing, budget)
        # Most requests carry no video, and the codecs take long to load.
        from service.media.crop_video import decode_video  # noqa: PLC0415

        return decode_video(source.file, (limits.frame, limits.video), preprocessing, budget)


def _failed(error: Exception) -> DecodeFailed:
    return DecodeFailed(
        expected="the frames to be decoded",
        received=f"{type(error).__name__} from the decoder",
        remedy="report these frames; the other requests are not touched by it",
    )


class _AbandonedError(Exception):
    """Nobody waits for this tracklet any more; never seen by a caller."""
