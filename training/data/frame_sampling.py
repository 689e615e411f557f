"""Which frames of a tracklet make a clip: drawn ones for training, chosen ones for evaluation."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from training.data.clip_config import FrameSampling

_STRIDES = (8, 4, 2, 1)

FrameSampler = Callable[[int, int, np.random.Generator], tuple[int, ...]]
"""n frames, T of them wanted, where randomness comes from → T ascending positions in [0, n)."""


def restricted_random_sampling(
    frames: int, clip_frames: int, generator: np.random.Generator
) -> tuple[int, ...]:
    """One uniformly drawn frame from each of `clip_frames` consecutive, near-equal chunks.

    Chunk i is [⌊i·n/T⌋, ⌊(i+1)·n/T⌋) (spec §1.8, recommended rule). A tracklet shorter than the
    clip is padded with its last frame.

    Args:
        frames: n, frames in the tracklet.
        clip_frames: T, frames in the clip.
        generator: Where the randomness comes from.

    Returns:
        T ascending positions in [0, n).

    Raises:
        ValueError: When either count is below 1.
    """
    _require_counts(frames, clip_frames)
    return _one_of_each_chunk(_near_equal_bounds(frames, clip_frames), frames, generator)


def ceil_chunk_sampling(
    frames: int, clip_frames: int, generator: np.random.Generator
) -> tuple[int, ...]:
    """One frame from each chunk of ⌈n/T⌉, the rule of GRL's and NVAN's code (spec §1.8).

    Positions past the end are the last frame: with 9 frames and T = 8 the chunks are of 2, and the
    last three show nothing but the ninth frame. Arguments, result and errors are those of
    `restricted_random_sampling`.
    """
    _require_counts(frames, clip_frames)
    bounds = np.arange(clip_frames + 1) * -(-frames // clip_frames)
    return _one_of_each_chunk(bounds, frames, generator)


def local_window_sampling(
    frames: int, clip_frames: int, generator: np.random.Generator
) -> tuple[int, ...]:
    """One frame from each chunk of s in a random window of s·T frames (DCCT's code, spec §1.8).

    s is the largest of 8, 4, 2 and 1 with which the window fits. A tracklet shorter than the clip
    is padded with its last frame. Arguments, result and errors are those of
    `restricted_random_sampling`.
    """
    _require_counts(frames, clip_frames)
    stride = next((s for s in _STRIDES if frames >= s * clip_frames), 1)
    start = generator.integers(max(frames - stride * clip_frames, 0) + 1)
    return _one_of_each_chunk(start + np.arange(clip_frames + 1) * stride, frames, generator)


FRAME_SAMPLERS: dict[FrameSampling, FrameSampler] = {
    "near-equal": restricted_random_sampling,
    "ceil": ceil_chunk_sampling,
    "local": local_window_sampling,
}


def interleaved_clips(frames: int, clip_frames: int) -> tuple[tuple[int, ...], ...]:
    """Clips that together show every frame of a tracklet (spec §1.10, recommended `dense`).

    With i = ⌈n/T⌉, clip j holds frames j, j + i, …, j + (T-1)·i, positions past the end replaced by
    the last frame. A tracklet shorter than a clip is repeated from its start.

    Args:
        frames: n, frames in the tracklet.
        clip_frames: T, frames in a clip.

    Returns:
        i clips of T ascending positions in [0, n); for n < T one clip, cyclic.

    Raises:
        ValueError: When either count is below 1.
    """
    _require_counts(frames, clip_frames)
    if frames <= clip_frames:
        return (_cycled(0, frames, clip_frames),)
    stride = -(-frames // clip_frames)
    return tuple(
        tuple(min(first + k * stride, frames - 1) for k in range(clip_frames))
        for first in range(stride)
    )


def consecutive_clips(frames: int, clip_frames: int) -> tuple[tuple[int, ...], ...]:
    """Clips of T frames in a row that together show every frame (GRL's test, spec §1.10).

    The last clip repeats its own frames from its start until it is full. Arguments and errors are
    those of `interleaved_clips`.

    Returns:
        ⌈n/T⌉ clips of T positions in [0, n).
    """
    _require_counts(frames, clip_frames)
    return tuple(
        _cycled(start, min(clip_frames, frames - start), clip_frames)
        for start in range(0, frames, clip_frames)
    )


def first_of_chunks(frames: int, clip_frames: int) -> tuple[int, ...]:
    """The first frame of each of T chunks (NVAN's test, spec §1.10, quick `first`).

    Departs: the chunks are the near-equal ones of `restricted_random_sampling`, since those of
    ⌈n/T⌉ would show the last frame several times. A tracklet shorter than the clip is padded with
    its last frame. Arguments and errors are those of `interleaved_clips`.

    Returns:
        T ascending positions in [0, n).
    """
    _require_counts(frames, clip_frames)
    starts = _near_equal_bounds(frames, clip_frames)[:-1]
    return tuple(int(position) for position in np.minimum(starts, frames - 1))


def _require_counts(frames: int, clip_frames: int) -> None:
    if frames < 1 or clip_frames < 1:
        raise ValueError(
            f"expected at least one frame and one clip frame, received {frames} and {clip_frames}; "
            "leave empty tracklets out, and set clips.frames to 1 or more"
        )


def _near_equal_bounds(frames: int, clip_frames: int) -> NDArray[np.integer]:
    return np.arange(clip_frames + 1) * max(frames, clip_frames) // clip_frames


def _cycled(start: int, count: int, clip_frames: int) -> tuple[int, ...]:
    return tuple(start + k % count for k in range(clip_frames))


def _one_of_each_chunk(
    bounds: NDArray[np.integer], frames: int, generator: np.random.Generator
) -> tuple[int, ...]:
    drawn = generator.integers(bounds[:-1], bounds[1:])
    return tuple(int(position) for position in np.minimum(drawn, frames - 1))
