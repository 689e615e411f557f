"""Clip requests → tensors. A request carries its seed, so workers and restarts change nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch.utils.data import Dataset
from torchvision.transforms import v2

from training.data.frame_reading import read_frame
from training.data.frame_sampling import restricted_random_sampling
from training.data.tracklet import Tracklet, identities_of


@dataclass(frozen=True, slots=True)
class ClipRequest:
    """One clip to draw: which tracklet, and the seed of every random choice made for it."""

    tracklet: int
    seed: int


class Clip(NamedTuple):
    """A clip [t, 3, h, w] and its identity's class number; the loader stacks both."""

    frames: torch.Tensor
    identity: torch.Tensor


class ClipDataset(Dataset[Clip]):
    """Draws clips of `clip_frames` frames from tracklets by restricted random sampling."""

    def __init__(
        self,
        tracklets: Sequence[Tracklet],
        *,
        clip_frames: int,
        size: tuple[int, int],
        transform: v2.Transform,
    ) -> None:
        self.tracklets = tuple(tracklets)
        self.clip_frames = clip_frames
        self.size = size
        self.transform = transform
        self._class_of = {
            identity: number for number, identity in enumerate(identities_of(tracklets))
        }

    @property
    def identities(self) -> int:
        """How many identities there are to tell apart."""
        return len(self._class_of)

    def __getitem__(self, request: ClipRequest) -> Clip:
        """Frames [t, 3, h, w] float and the identity's class number."""
        tracklet = self.tracklets[request.tracklet]
        positions = restricted_random_sampling(
            len(tracklet.frames), self.clip_frames, np.random.default_rng(request.seed)
        )
        height, width = self.size
        frames = np.stack(
            [read_frame(tracklet.frames[i], height=height, width=width) for i in positions]
        )
        pixels = torch.from_numpy(frames).permute(0, 3, 1, 2)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(request.seed)
            augmented: torch.Tensor = self.transform(pixels)
        return Clip(augmented, torch.tensor(self._class_of[tracklet.identity]))
