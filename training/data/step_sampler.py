"""Batches of clips that depend on (seed, step) alone, and each process's part of them."""

from abc import abstractmethod
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np
from torch.utils.data import Sampler

from training.data.clip_dataset import ClipRequest
from training.data.tracklet import Tracklet


class StepSampler(Sampler[list[ClipRequest]]):
    """An endless stream of batches of `groups` × `per_group` clips: resuming is a number.

    Every process draws the whole batch and keeps its part, whole groups of it. Which clips a step
    shows, and with which seeds, therefore does not depend on the number of processes: the parts of
    ranks 0, 1, … one after the other are the batch of one process.

    Attributes:
        drawn: What a group is drawn for, as an error says it.

    Raises:
        ValueError: When there is less than `groups` to draw from, the groups cannot be shared out
            equally, or the rank does not exist.
    """

    drawn: ClassVar[str]

    def __init__(
        self,
        tracklets: Sequence[Tracklet],
        *,
        groups: int,
        per_group: int,
        seed: int,
        first_step: int = 0,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        if not 0 <= rank < world_size:
            raise ValueError(
                f"expected a rank from 0 to {world_size - 1}, received {rank}; "
                "start every process with its own rank"
            )
        if groups % world_size:
            raise ValueError(
                f"expected clips.identities to be a multiple of the {world_size} processes, "
                f"received {groups}; change clips.identities or the number of processes"
            )
        self.tracklets = tuple(tracklets)
        self.groups = groups
        self.per_group = per_group
        self._seed = seed
        self._first_step = first_step
        own = groups // world_size * per_group
        self._part = slice(rank * own, (rank + 1) * own)
        self.members = _positions_by_identity(self.tracklets)
        if self.choices < groups:
            raise ValueError(
                f"expected at least {groups} {self.drawn}, received {self.choices}; "
                "lower clips.identities or add data"
            )

    def __iter__(self) -> Iterator[list[ClipRequest]]:
        """This process's part of the batches from `first_step` on, for ever."""
        step = self._first_step
        while True:
            yield self.batch(step)
            step += 1

    def batch(self, step: int) -> list[ClipRequest]:
        """This process's part of the batch of one step, grouped by identity."""
        generator = np.random.default_rng((self._seed, 1, step))
        requests = [
            ClipRequest(position, int(generator.integers(2**62)))
            for group in self.groups_at(step, generator)
            for position in group
        ]
        return requests[self._part]

    @property
    @abstractmethod
    def choices(self) -> int:
        """How many there are to draw a group for; a pass shows each once."""

    @abstractmethod
    def groups_at(self, step: int, generator: np.random.Generator) -> Iterator[list[int]]:
        """The `groups` groups of `per_group` positions of tracklets of one step."""

    def shuffled_pass(self, step: int) -> list[int]:
        """The next `groups` numbers below `choices`, of shuffled passes without replacement.

        A pass drops its remainder, so that no batch spans two passes and repeats a number.
        """
        total = self.choices
        per_pass = total // self.groups
        order = np.random.default_rng((self._seed, 0, step // per_pass)).permutation(total)
        start = step % per_pass * self.groups
        return [int(number) for number in order[start : start + self.groups]]

    def across_cameras(self, positions: Sequence[int], generator: np.random.Generator) -> list[int]:
        """The positions in random order, cameras taking turns as long as they have any left."""
        by_camera: dict[int | None, list[int]] = defaultdict(list)
        for position in generator.permutation(positions):
            by_camera[self.tracklets[position].camera].append(int(position))
        cameras = list(by_camera)  # in random order already: the first tracklet drawn of each
        rounds = max(len(members) for members in by_camera.values())
        return [
            by_camera[camera][turn]
            for turn in range(rounds)
            for camera in cameras
            if turn < len(by_camera[camera])
        ]


def _positions_by_identity(tracklets: Sequence[Tracklet]) -> dict[int, list[int]]:
    """Where each identity's tracklets are, identities sorted."""
    grouped: dict[int, list[int]] = defaultdict(list)
    for position, tracklet in enumerate(tracklets):
        grouped[tracklet.identity].append(position)
    return dict(sorted(grouped.items()))
