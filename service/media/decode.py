"""One tracklet, in whatever form, to the frames that are embedded, in threads of its own."""

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from model.manifest import Preprocessing
from service.errors import NotReady, Overloaded
from service.media.decode_budget import DecodeBudget, DecodeLimits
from service.media.decoded_tracklet import DecodedTracklet
from service.media.frame_limits import FrameLimits
from service.media.picture_files import decode_pictures
from service.media.raw_pixels import choose_pixels
from service.media.tracklet_source import EncodedFrames, RawFrames, TrackletSource
from service.throughput import Throughput


@dataclass(frozen=True, slots=True)
class MediaLimits:
    """What an upload may be.

    Attributes:
        frame: What one frame may be.
        tracklet: What all of them may cost together.
    """

    frame: FrameLimits
    tracklet: DecodeLimits


class FrameDecoder:
    """Decodes tracklets in `threads` threads, one tracklet per thread at a time.

    Args:
        limits: What an upload may be.
        preprocessing: Which frames are embedded, and at what size.
        threads: Threads of the decoder's own pool.
        max_queue_frames: Frames held by waiting and running calls together; over it, calls are
            refused, except that a tracklet is never refused by an idle decoder.
    """

    def __init__(
        self,
        limits: MediaLimits,
        preprocessing: Preprocessing,
        *,
        threads: int,
        max_queue_frames: int = 2048,
    ) -> None:
        self._limits = limits
        self._preprocessing = preprocessing
        self._max_queue_frames = max_queue_frames
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="decode")
        self._throughput = Throughput()
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._held_frames = 0

    async def decode(self, source: TrackletSource) -> DecodedTracklet:
        """Decode the frames of one tracklet that are to be embedded.

        Args:
            source: The frames, as they came.

        Raises:
            NoReadableFrame: When not one frame can be decoded.
            DecodeBudgetExceeded: When decoding takes more than a tracklet may take.
            Overloaded: When too many frames wait already.
            NotReady: When the decoder is closed.
        """
        abandoned = threading.Event()
        with self._reserved(_frames_held(source)):
            try:
                return await asyncio.get_running_loop().run_in_executor(
                    self._pool, self._decode_tracklet, source, abandoned
                )
            finally:
                abandoned.set()

    def close(self) -> None:
        """Stop the threads after the frames in hand; calls under way fail with `NotReady`."""
        self._closed.set()
        self._pool.shutdown(wait=True)

    @contextmanager
    def _reserved(self, frames: int) -> Iterator[None]:
        self._refuse_when_closed()
        with self._lock:
            if self._held_frames and self._held_frames + frames > self._max_queue_frames:
                raise Overloaded(
                    expected=f"at most {self._max_queue_frames} frames waiting to be decoded",
                    received=f"{frames} more beside {self._held_frames}",
                    remedy="send the request again later",
                    retry_after_s=self._throughput.retry_after_s(self._held_frames),
                )
            self._held_frames += frames
        try:
            yield
        finally:
            with self._lock:
                self._held_frames -= frames

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

        started_s = time.monotonic()
        budget = DecodeBudget(self._limits.tracklet, go_on)
        decoded = self._frames_of(source, budget)
        self._throughput.observe(decoded.received, time.monotonic() - started_s)
        return decoded

    def _frames_of(self, source: TrackletSource, budget: DecodeBudget) -> DecodedTracklet:
        limits, preprocessing = self._limits, self._preprocessing
        if isinstance(source, EncodedFrames):
            return decode_pictures(source.files, limits.frame, preprocessing, budget)
        if isinstance(source, RawFrames):
            return choose_pixels(source.pixels, limits.frame, preprocessing, budget)
        raise TypeError(f"expected pictures or pixels, received {type(source).__name__}")


class _AbandonedError(Exception):
    """Nobody waits for this tracklet any more; never seen by a caller."""


def _frames_held(source: TrackletSource) -> int:
    if isinstance(source, EncodedFrames):
        return len(source.files)
    return len(source.pixels) if isinstance(source, RawFrames) else 1
