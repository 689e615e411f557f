"""Frames of made-up people, for checks that travel with an artifact."""

import numpy as np
from numpy.typing import NDArray

from training.data.synthetic import SyntheticWorld
from training.export.parity import BATCHES

GOLDEN_FRAMES = 4


def parity_frames(size: tuple[int, int]) -> NDArray[np.uint8]:
    """As many different frames as the largest parity batch, uint8 [n, h, w, 3]."""
    per_tracklet = 4
    world = _world(size, identities=-(-max(BATCHES) // per_tracklet))
    tracklets = [
        world.tracklet(identity, identity % world.cameras, frames=per_tracklet).frames
        for identity in range(world.identities)
    ]
    return np.concatenate(tracklets)[: max(BATCHES)]


def golden_clip(size: tuple[int, int]) -> NDArray[np.uint8]:
    """One drawn walk, uint8 [t, h, w, 3]."""
    return _world(size, identities=1).tracklet(0, 0, frames=GOLDEN_FRAMES).frames


def _world(size: tuple[int, int], *, identities: int) -> SyntheticWorld:
    return SyntheticWorld(seed=0, identities=identities, cameras=2, height=size[0], width=size[1])
