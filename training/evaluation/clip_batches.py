"""Tracklets → batches of clips under a fixed budget of frames, read ahead while a model works.

However long a tracklet is, no more than a few batches are in memory; short tracklets share one.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from training.data.frame_reading import read_frame
from training.data.tracklet import Tracklet
from training.evaluation.clip_plan import ClipPlan, PlannedClip

# One batch is computed with while these are read; memory stays in proportion to them.
BATCHES_AHEAD = 2


@dataclass(frozen=True, slots=True, eq=False)
class ClipBatch:
    """b clips of t frames, in the order of their tracklets.

    Attributes:
        tracklets: [b] positions of the tracklets that the clips are of.
        pixels: uint8 RGB [b, t, h, w, 3].
        counted: [b, t]; False for a frame that fills up a clip and is seen elsewhere.
    """

    tracklets: tuple[int, ...]
    pixels: NDArray[np.uint8]
    counted: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _ClipOf:
    position: int
    tracklet: Tracklet
    clip: PlannedClip


def clip_batches(
    tracklets: Sequence[Tracklet],
    plan: ClipPlan,
    *,
    size: tuple[int, int],
    frames_per_batch: int,
) -> Iterator[ClipBatch]:
    """Every clip of every tracklet, in order, read in threads of its own.

    Args:
        tracklets: What to read.
        plan: Which clips.
        size: Height and width of a frame.
        frames_per_batch: Frames of a batch at most; a single clip may be longer.

    Raises:
        ValueError: When the budget is below 1, or a frame cannot be read, with its path.
    """
    if frames_per_batch < 1:
        raise ValueError(
            f"expected a budget of at least one frame, received {frames_per_batch}; "
            "raise frames per batch"
        )
    wanted = (
        _ClipOf(position, tracklet, clip)
        for position, tracklet in enumerate(tracklets)
        for clip in plan.clips(len(tracklet.frames))
    )
    together = max(1, frames_per_batch // plan.clip_frames)
    with ThreadPoolExecutor(BATCHES_AHEAD, thread_name_prefix="read-frames") as readers:
        reading: deque[Future[ClipBatch]] = deque()
        try:
            for clips in _in_groups(wanted, together):
                reading.append(readers.submit(_read_batch, clips, size))
                if len(reading) > BATCHES_AHEAD:
                    yield reading.popleft().result()
            while reading:
                yield reading.popleft().result()
        finally:
            for future in reading:
                future.cancel()


def _in_groups(clips: Iterable[_ClipOf], together: int) -> Iterator[list[_ClipOf]]:
    remaining = iter(clips)
    while group := list(islice(remaining, together)):
        yield group


def _read_batch(clips: Sequence[_ClipOf], size: tuple[int, int]) -> ClipBatch:
    return ClipBatch(
        tracklets=tuple(one.position for one in clips),
        pixels=np.stack([_read_clip(one, size) for one in clips]),
        counted=np.array([one.clip.counted for one in clips]),
    )


def _read_clip(one: _ClipOf, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Frames of a clip [t, h, w, 3]; what fills it up is read once."""
    height, width = size
    read = {
        position: read_frame(one.tracklet.frames[position], height=height, width=width)
        for position in dict.fromkeys(one.clip.positions)
    }
    return np.stack([read[position] for position in one.clip.positions])
