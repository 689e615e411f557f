"""P × K batches: P distinct identities, K tracklets of each, from different cameras if possible."""

from collections.abc import Iterator

import numpy as np

from training.data.step_sampler import StepSampler


class IdentitySampler(StepSampler):
    """Identities in shuffled passes, so that each is seen about equally often (spec §1.7).

    Within an identity, cameras are visited in random order, and a tracklet is repeated only when
    there are fewer than K: an identity with one camera, or one tracklet, is drawn like any other.

    Raises:
        ValueError: When there are fewer than P identities, or P cannot be shared out equally.
    """

    drawn = "identities to draw a batch"

    @property
    def choices(self) -> int:
        """How many identities there are."""
        return len(self.members)

    def groups_at(self, step: int, generator: np.random.Generator) -> Iterator[list[int]]:
        """K tracklets of each of P distinct identities."""
        members = list(self.members.values())
        for identity in self.shuffled_pass(step):
            ordered = self.across_cameras(members[identity], generator)
            yield [ordered[i % len(ordered)] for i in range(self.per_group)]
