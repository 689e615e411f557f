"""P × K batches: P distinct identities, K tracklets of each, from different cameras if possible."""

from collections.abc import Iterator, Sequence

import numpy as np

from training.data.step_sampler import StepSampler, positions_by_identity
from training.data.tracklet import Tracklet


class IdentitySampler(StepSampler):
    """Identities in shuffled passes, so that each is seen about equally often (spec §1.7).

    Within an identity, cameras are visited in random order, and a tracklet is repeated only when
    there are fewer than K: an identity with one camera, or one tracklet, is drawn like any other.

    Raises:
        ValueError: When there are fewer than P identities, or P cannot be shared out equally.
    """

    def __init__(
        self,
        tracklets: Sequence[Tracklet],
        *,
        identities: int,
        per_identity: int,
        seed: int,
        first_step: int = 0,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        super().__init__(
            tracklets,
            groups=identities,
            per_group=per_identity,
            seed=seed,
            first_step=first_step,
            rank=rank,
            world_size=world_size,
        )
        self._members = list(positions_by_identity(tracklets).values())
        if len(self._members) < identities:
            raise ValueError(
                f"expected at least {identities} identities to draw a batch, "
                f"received {len(self._members)}; lower clips.identities or add data"
            )

    def groups_at(self, step: int, generator: np.random.Generator) -> Iterator[list[int]]:
        """K tracklets of each of P distinct identities."""
        for identity in self.shuffled_pass(step, len(self._members)):
            ordered = self.across_cameras(self._members[identity], generator)
            yield [ordered[i % len(ordered)] for i in range(self.per_group)]
