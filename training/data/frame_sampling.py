"""Which frames of a tracklet make a clip: one for training, all of them for evaluation."""

import numpy as np


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
    padded = max(frames, clip_frames)
    starts = np.arange(clip_frames + 1) * padded // clip_frames
    drawn = generator.integers(starts[:-1], starts[1:])
    return tuple(int(position) for position in np.minimum(drawn, frames - 1))


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
        return (tuple(position % frames for position in range(clip_frames)),)
    stride = -(-frames // clip_frames)
    return tuple(
        tuple(min(first + k * stride, frames - 1) for k in range(clip_frames))
        for first in range(stride)
    )


def _require_counts(frames: int, clip_frames: int) -> None:
    if frames < 1 or clip_frames < 1:
        raise ValueError(
            f"expected at least one frame and one clip frame, received {frames} and {clip_frames}"
        )
