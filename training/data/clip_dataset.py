"""Clip requests → pixels. A request carries its seed, so threads and restarts change nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from training.data.clip_config import AugmentationConfig, ClipConfig
from training.data.frame_cache import FrameCache
from training.data.frame_sampling import FRAME_SAMPLERS
from training.data.tracklet import Tracklet, identities_of
from training.data.transforms import ClipTransform


@dataclass(frozen=True, slots=True)
class ClipRequest:
    """One clip to draw: which tracklet, and the seed of every random choice made for it."""

    tracklet: int
    seed: int


class Clip(NamedTuple):
    """A batch of clips.

    Attributes:
        frames: [b, t, 3, h, w], always contiguous.
        identity: [b], class numbers of identities.
        frame_numbers: [b, t], which frames they are, counted through all tracklets of the data set;
            none where nobody counted.
    """

    frames: torch.Tensor
    identity: torch.Tensor
    frame_numbers: torch.Tensor | None = None


class ClipDataset:
    """Draws clips of frames from tracklets, and augments them. Threads may share one.

    Args:
        tracklets: What requests count in.
        size: Height and width of a frame.
        clips: How many frames a clip has, how they are drawn, and memory to keep decoded ones.
        augmentation: What is done to them.
    """

    def __init__(
        self,
        tracklets: Sequence[Tracklet],
        *,
        size: tuple[int, int],
        clips: ClipConfig,
        augmentation: AugmentationConfig,
    ) -> None:
        self.tracklets = tuple(tracklets)
        self.size = size
        self.clip_frames = clips.frames
        self._first_frame = np.cumsum([0, *(len(tracklet.frames) for tracklet in tracklets)])
        self._sample = FRAME_SAMPLERS[clips.frame_sampling]
        self._transform = ClipTransform(augmentation)
        self._occludes = augmentation.erasing > 0 and augmentation.erasing_fill == "frame"
        self._cache = FrameCache(clips.cache_mib * 2**20)
        self._class_of = {
            identity: number for number, identity in enumerate(identities_of(tracklets))
        }

    @property
    def identities(self) -> int:
        """How many identities there are to tell apart."""
        return len(self._class_of)

    @property
    def clip_shape(self) -> tuple[int, int, int, int]:
        """Frames, 3, height and width of a clip."""
        return (self.clip_frames, 3, *self.size)

    def class_number(self, request: ClipRequest) -> int:
        """The class number, from 0, of the identity that a request shows."""
        return self._class_of[self.tracklets[request.tracklet].identity]

    def draw(self, request: ClipRequest, out: NDArray[np.float32]) -> NDArray[np.int64]:
        """Write the clip, augmented and normalised, to `out` [t, 3, h, w].

        Returns:
            [t], the frames it shows, counted through all tracklets of the data set.

        Raises:
            ValueError: When a frame cannot be read, with its path.
        """
        generator = np.random.default_rng(request.seed)
        paths = self.tracklets[request.tracklet].frames
        height, width = self.size
        positions = self._sample(len(paths), self.clip_frames, generator)
        frames = [
            self._cache.read(paths[position], height=height, width=width) for position in positions
        ]
        self._transform(frames, generator, out, other=self._occluding(generator))
        numbers: NDArray[np.int64] = self._first_frame[request.tracklet] + np.array(
            positions, np.int64
        )
        return numbers

    def _occluding(self, generator: np.random.Generator) -> NDArray[np.uint8] | None:
        """Any frame of any tracklet, where erasing shows one."""
        if not self._occludes:
            return None
        paths = self.tracklets[generator.integers(len(self.tracklets))].frames
        height, width = self.size
        return self._cache.read(paths[generator.integers(len(paths))], height=height, width=width)
