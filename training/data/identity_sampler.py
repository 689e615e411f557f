"""P × K batches: P distinct identities, K tracklets of each, from different cameras if possible."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from torch.utils.data import Sampler

from training.data.clip_dataset import ClipRequest
from training.data.tracklet import Tracklet


class IdentitySampler(Sampler[list[ClipRequest]]):
    """An endless stream of batches that depends only on (seed, step): resuming is a number.

    Identities are drawn without replacement through shuffled passes, so that each is seen about
    equally often. Within an identity, cameras are visited in random order and a tracklet is repeated only
    when the identity has fewer than K.

    Raises:
        ValueError: When there are fewer than P identities.
    """

    def __init__(
        self,
        tracklets: Sequence[Tracklet],
        *,
        identities: int,
        per_identity: int,
        seed: int,
        first_step: int = 0,
    ) -> None:
        grouped: dict[int, list[int]] = defaultdict(list)
        for position, tracklet in enumerate(tracklets):
            grouped[tracklet.identity].append(position)
        if len(grouped) < identities:
            raise ValueError(
                f"expected at least {identities} identities to draw a batch, "
                f"received {len(grouped)}; lower clips.identities or add data"
            )
        self._tracklets = tracklets
        self._by_identity = [positions for _, positions in sorted(grouped.items())]
        self._identities = identities
        self._per_identity = per_identity
        self._seed = seed
        self._first_step = first_step

    def __iter__(self) -> Iterator[list[ClipRequest]]:
        """Batches from `first_step` on, for ever."""
        step = self._first_step
        while True:
            yield self.batch(step)
            step += 1

    def batch(self, step: int) -> list[ClipRequest]:
        """The batch of one step: `identities` × `per_identity` requests, grouped by identity."""
        generator = np.random.default_rng((self._seed, 1, step))
        return [
            ClipRequest(position, int(generator.integers(2**62)))
            for identity in self._identities_at(step)
            for position in self._draw_tracklets(self._by_identity[identity], generator)
        ]

    def _identities_at(self, step: int) -> list[int]:
        """P distinct identities, the next ones of the current shuffled pass."""
        total, wanted = len(self._by_identity), self._identities
        per_pass = total // wanted  # a pass drops its remainder, so no batch spans two passes
        order = np.random.default_rng((self._seed, 0, step // per_pass)).permutation(total)
        start = step % per_pass * wanted
        return [int(identity) for identity in order[start : start + wanted]]

    def _draw_tracklets(self, positions: list[int], generator: np.random.Generator) -> list[int]:
        by_camera: dict[int | None, list[int]] = defaultdict(list)
        for position in generator.permutation(positions):
            by_camera[self._tracklets[position].camera].append(int(position))
        cameras = list(by_camera)  # in random order already: the first tracklet drawn of each
        rounds = max(len(members) for members in by_camera.values())
        ordered = [
            by_camera[camera][turn]
            for turn in range(rounds)
            for camera in cameras
            if turn < len(by_camera[camera])
        ]
        return [ordered[i % len(ordered)] for i in range(self._per_identity)]
