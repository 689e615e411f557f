"""Which T frames of a tracklet make a clip."""

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
    if frames < 1 or clip_frames < 1:
        raise ValueError(
            f"expected at least one frame and one clip frame, received {frames} and {clip_frames}"
        )
    padded = max(frames, clip_frames)
    starts = np.arange(clip_frames + 1) * padded // clip_frames
    drawn = generator.integers(starts[:-1], starts[1:])
    return tuple(int(position) for position in np.minimum(drawn, frames - 1))
