"""One tracklet's uploaded files to the frames that are embedded, in threads of its own.

Limits are checked from the header, before any pixel is decoded; `pixels.py` decodes.
"""

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.manifest import Preprocessing
from service.errors import NoReadableFrame, NotReady, Overloaded
from service.media.image_header import FORMATS, ImageHeader, UnreadableImageError, read_header
from service.media.pixels import decode_pixels
from service.media.tracklet_source import EncodedFrames, TrackletSource
from service.throughput import Throughput

_REASONS_SHOWN = 3
_MOST_PIXELS = 2**26
"""Below the point where the imaging library starts to warn; no crop of a person comes near."""


@dataclass(frozen=True)
class FrameLimits:
    """What one uploaded frame may be; checked before any pixel is decoded.

    Raises:
        ValueError: When a format is not one that can be decoded, or `max_pixels` is above 2**26.
    """

    max_bytes: int
    max_pixels: int
    max_side_px: int
    formats: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse limits that the decoder could not keep."""
        if not self.formats or not set(self.formats) <= set(FORMATS):
            raise ValueError(
                f"expected formats out of {', '.join(FORMATS)}, "
                f"received {', '.join(self.formats) or 'none'}; correct REID_IMAGE_FORMATS"
            )
        if self.max_pixels > _MOST_PIXELS:
            raise ValueError(
                f"expected at most {_MOST_PIXELS} pixels a frame, received {self.max_pixels}; "
                "lower REID_MAX_FRAME_PIXELS"
            )


@dataclass(frozen=True)
class RejectedFrame:
    """A frame that was not used, by its place in the upload, and why."""

    index: int
    reason: str


@dataclass(frozen=True)
class DecodedTracklet:
    """The frames to embed, and what became of the others.

    Attributes:
        frames: uint8 RGB [t, height, width, 3], in upload order.
        received: Frames in the upload.
        used: Place in the upload of each row of `frames`.
        rejected: Frames found unreadable. The pixels of frames that were not chosen are never
            looked at, so only their header can put them here.
    """

    frames: NDArray[np.uint8]
    received: int
    used: tuple[int, ...]
    rejected: tuple[RejectedFrame, ...]


class FrameDecoder:
    """Decodes tracklets in `threads` threads, one tracklet per thread at a time.

    Args:
        limits: What a frame may be.
        preprocessing: Which frames are embedded, and at what size.
        threads: Threads of the decoder's own pool.
        max_queue_frames: Frames held by waiting and running calls together; over it, calls are
            refused, except that a tracklet is never refused by an idle decoder.
    """

    def __init__(
        self,
        limits: FrameLimits,
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

        Headers of all frames are checked first; the manifest's choice is made among the good ones.
        A chosen frame whose pixels turn out unreadable is rejected and not replaced, unless none
        is left: then the choice is made again among the rest.

        Args:
            source: The frames, as they came.

        Raises:
            NoReadableFrame: When not one frame can be decoded.
            Overloaded: When too many frames wait already.
            NotReady: When the decoder is closed.
        """
        if not isinstance(source, EncodedFrames):
            raise TypeError(f"expected picture files, received {type(source).__name__}")
        frames = source.files
        abandoned = threading.Event()
        with self._reserved(len(frames)):
            try:
                return await asyncio.get_running_loop().run_in_executor(
                    self._pool, self._decode_tracklet, frames, abandoned
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

    def _go_on_unless(self, abandoned: threading.Event) -> None:
        self._refuse_when_closed()
        if abandoned.is_set():
            raise _AbandonedError

    def _decode_tracklet(
        self, frames: tuple[bytes, ...], abandoned: threading.Event
    ) -> DecodedTracklet:
        started_s = time.monotonic()
        headers, reasons = self._read_headers(frames, abandoned)
        pixels: dict[int, NDArray[np.uint8]] = {}
        candidates = sorted(headers)
        while candidates and not pixels:
            places = self._preprocessing.choice.indices(len(candidates))
            chosen = [candidates[place] for place in places]
            for index in chosen:
                self._go_on_unless(abandoned)
                try:
                    pixels[index] = decode_pixels(headers[index], self._preprocessing)
                except UnreadableImageError as error:
                    reasons[index] = str(error)
            candidates = sorted(set(candidates) - set(chosen))
        if not pixels:
            raise _no_readable_frame(len(frames), reasons)
        self._throughput.observe(len(frames), time.monotonic() - started_s)
        return DecodedTracklet(
            frames=np.stack([pixels[index] for index in sorted(pixels)]),
            received=len(frames),
            used=tuple(sorted(pixels)),
            rejected=tuple(RejectedFrame(index, reasons[index]) for index in sorted(reasons)),
        )

    def _read_headers(
        self, frames: tuple[bytes, ...], abandoned: threading.Event
    ) -> tuple[dict[int, ImageHeader], dict[int, str]]:
        headers = {}
        reasons = {}
        for index, data in enumerate(frames):
            self._go_on_unless(abandoned)
            try:
                headers[index] = check_header(data, self._limits)
            except UnreadableImageError as error:
                reasons[index] = str(error)
        return headers, reasons


class _AbandonedError(Exception):
    """Nobody waits for this tracklet any more; never seen by a caller."""


def check_header(data: bytes, limits: FrameLimits) -> ImageHeader:
    """The header of a frame that keeps to the limits; no pixel is decoded.

    Raises:
        UnreadableImageError: With expected, received and remedy.
    """
    if not data:
        raise UnreadableImageError("expected a picture, received 0 bytes; send the file's content")
    if len(data) > limits.max_bytes:
        raise UnreadableImageError(
            f"expected at most {limits.max_bytes} bytes, received {len(data)}; "
            "send the crop of one person"
        )
    header = read_header(data)
    if header.format not in limits.formats:
        raise UnreadableImageError(
            f"expected {', '.join(limits.formats)} data, received {header.format} data; "
            "convert the frame"
        )
    size = f"received {header.width} x {header.height} px"
    shorter, longer = sorted((header.width, header.height))
    if shorter < 1 or longer > limits.max_side_px:
        raise UnreadableImageError(
            f"expected sides of 1 to {limits.max_side_px} px, {size}; send the crop of one person"
        )
    if header.width * header.height > limits.max_pixels:
        raise UnreadableImageError(
            f"expected at most {limits.max_pixels} pixels, {size}; send the crop of one person"
        )
    return header


def _no_readable_frame(received: int, reasons: dict[int, str]) -> NoReadableFrame:
    first = [f"frame {index}: {reasons[index]}" for index in sorted(reasons)[:_REASONS_SHOWN]]
    more = len(reasons) - len(first)
    listed = " | ".join([*first, *([f"and {more} more"] if more else [])])
    return NoReadableFrame(
        expected="at least one readable frame",
        received=f"{received} frames, none readable" + (f" ({listed})" if listed else ""),
        remedy=f"send whole {', '.join(FORMATS)} files in the field `frames`",
    )
