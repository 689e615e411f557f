"""What of a tracklet goes into batches: its frames, or clips made of them."""

import numpy as np
from numpy.typing import NDArray

from model.manifest import Manifest


def tracklet_items(frames: NDArray[np.uint8], manifest: Manifest) -> NDArray[np.uint8]:
    """Frames uint8 [n, h, w, 3] for models of frames, clips uint8 [k, t, h, w, 3] for others.

    Args:
        frames: uint8 [n, h, w, 3] of one tracklet, in time order, n of 1 or more.
        manifest: Of the model; its `frames_per_clip` is t.
    """
    if manifest.preprocessing.frames_per_clip is None:
        return frames
    return frames[clip_positions(len(frames), manifest)]


def clip_positions(frames: int, manifest: Manifest) -> NDArray[np.intp]:
    """Positions [k, t] of a tracklet's frames in its clips, ascending within each.

    With pooling `none` there is one clip, of frames taken evenly over the tracklet, or repeated
    evenly where there are fewer than t. With pooling `mean` there are as many clips as the frames
    fill, the last perhaps in part: the first takes every k-th frame, the next every k-th from the
    second on, so that each clip spans the tracklet and every frame is seen.

    Args:
        frames: How many the tracklet has, 1 or more.
        manifest: Of a model of clips.
    """
    length = manifest.preprocessing.frames_per_clip or 1
    clips = 1 if manifest.output.pooling == "none" else -(-frames // length)
    taken = [np.arange(start, frames, clips) for start in range(clips)]
    return np.stack([own[_evenly(len(own), length)] for own in taken])


def _evenly(count: int, wanted: int) -> NDArray[np.intp]:
    """The middle frame of each of `wanted` equal spans, as the manifest's choice takes them."""
    return (2 * np.arange(wanted) + 1) * count // (2 * wanted)
