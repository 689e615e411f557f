"""A small made-up world, and whether a tracklet that was read is the one that was drawn."""

import numpy as np
from PIL import Image

from training.data.synthetic import SyntheticWorld
from training.data.tracklet import Tracklet


def small_world(identities: int = 4, cameras: int = 2) -> SyntheticWorld:
    """Frames of 64 × 32 are drawn in milliseconds."""
    return SyntheticWorld(seed=3, identities=identities, cameras=cameras, height=64, width=32)


def assert_is_drawn(tracklet: Tracklet, world: SyntheticWorld, recording: int = 0) -> None:
    """Its pixels are those of its identity before its camera, but for the loss of JPEG."""
    drawn = world.tracklet(
        tracklet.identity - 1, tracklet.camera - 1, recording, frames=len(tracklet.frames)
    )
    for path, frame in zip(tracklet.frames, drawn.frames, strict=True):
        with Image.open(path) as image:
            assert np.abs(np.asarray(image).astype(int) - frame).mean() < 6
