"""Which frames of a tracklet an evaluation sees, and in which clips (spec §1.10).

`dense` shows every frame, `fast` the first of each of T chunks, `served` those that the manifest of
an exported model chooses, `1` and `8` so many chosen in the same way at most: what a model makes of
less. Numbers of different modes are never mixed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from model.manifest import FrameChoice
from model.tracklet_network import TrackletNetwork
from training.data.frame_sampling import (
    consecutive_clips,
    first_of_chunks,
    interleaved_clips,
)

FrameMode = Literal["dense", "fast", "served", "1", "8"]
Arrangement = Literal["interleaved", "consecutive", "single frames"]

# Most tracklets of the public data sets are longer; every frame counts up to the cost of 32.
FRAME_CHOICE = FrameChoice(policy="evenly_spaced", most=32)

EVENLY_SPACED: Mapping[FrameMode, FrameChoice] = {
    "served": FRAME_CHOICE,
    "1": FrameChoice(policy="evenly_spaced", most=1),
    "8": FrameChoice(policy="evenly_spaced", most=8),
}


class PlannedClip(NamedTuple):
    """One clip of a tracklet.

    Attributes:
        positions: [t] frames of the tracklet.
        counted: [t]; False for a frame that fills up the clip and is seen elsewhere.
    """

    positions: tuple[int, ...]
    counted: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class ClipPlan:
    """How tracklets are cut into clips.

    Attributes:
        mode: Which frames are seen.
        sampled_frames: T, how many frames `fast` takes of a tracklet.
        arrangement: How the frames that are seen make clips of T; `single frames` makes clips of
            one, for models that look at every frame by itself.
    """

    mode: FrameMode
    sampled_frames: int
    arrangement: Arrangement

    @property
    def clip_frames(self) -> int:
        """Frames of every clip."""
        return 1 if self.arrangement == "single frames" else self.sampled_frames

    def clips(self, frames: int) -> tuple[PlannedClip, ...]:
        """The clips of a tracklet of n frames: every frame that is seen is counted exactly once.

        Raises:
            ValueError: When there are no frames.
        """
        if frames < 1:
            raise ValueError(
                f"expected at least one frame, received {frames}; remove the empty tracklet"
            )
        return _counted_once(self._clips(frames))

    def _clips(self, frames: int) -> Sequence[tuple[int, ...]]:
        if self.mode == "fast":
            first = first_of_chunks(frames, self.sampled_frames)
            single = self.arrangement == "single frames"
            return [(position,) for position in dict.fromkeys(first)] if single else [first]
        every = self.mode == "dense"
        seen = range(frames) if every else EVENLY_SPACED[self.mode].indices(frames)
        return [tuple(seen[place] for place in places) for places in self._places(len(seen))]

    def _places(self, seen: int) -> Sequence[tuple[int, ...]]:
        if self.arrangement == "single frames":
            return [(place,) for place in range(seen)]
        cut = interleaved_clips if self.arrangement == "interleaved" else consecutive_clips
        return cut(seen, self.sampled_frames)


def clip_plan(network: TrackletNetwork, mode: FrameMode) -> ClipPlan:
    """The plan for a network: its own clip length, and the clips it is made for."""
    single = network.batching_unit == "frame"
    return ClipPlan(
        mode=mode,
        sampled_frames=network.config.clip_frames,
        arrangement="single frames" if single else network.dense_clips,
    )


def _counted_once(clips: Sequence[tuple[int, ...]]) -> tuple[PlannedClip, ...]:
    seen: set[int] = set()
    planned = []
    for positions in clips:
        counted = []
        for position in positions:
            counted.append(position not in seen)
            seen.add(position)
        planned.append(PlannedClip(positions, tuple(counted)))
    return tuple(planned)
