"""GRL's batches: every tracklet in turn as an anchor, beside it the same person elsewhere."""

from collections.abc import Iterator, Sequence

import numpy as np

from training.data.step_sampler import StepSampler, positions_by_identity
from training.data.tracklet import Tracklet


class AnchorSampler(StepSampler):
    """Every tracklet once a pass as an anchor, with K-1 of its identity (spec §1.7, GRL harness).

    The others come from other cameras than the anchor's as long as there are any, then from its
    own; an anchor that is its identity's only tracklet is drawn K times, with other frames. An
    identity with more tracklets is seen more often, and two anchors of a batch may be one person.

    Raises:
        ValueError: When there are fewer than P tracklets, or P cannot be shared out equally.
    """

    def __init__(
        self,
        tracklets: Sequence[Tracklet],
        *,
        anchors: int,
        per_anchor: int,
        seed: int,
        first_step: int = 0,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        super().__init__(
            tracklets,
            groups=anchors,
            per_group=per_anchor,
            seed=seed,
            first_step=first_step,
            rank=rank,
            world_size=world_size,
        )
        if len(self.tracklets) < anchors:
            raise ValueError(
                f"expected at least {anchors} tracklets to draw a batch of anchors, "
                f"received {len(self.tracklets)}; lower clips.identities or add data"
            )
        self._members = positions_by_identity(tracklets)

    def groups_at(self, step: int, generator: np.random.Generator) -> Iterator[list[int]]:
        """Each of P anchors, followed by K-1 tracklets of its identity."""
        for anchor in self.shuffled_pass(step, len(self.tracklets)):
            ordered = [anchor, *self._others(anchor, generator)]
            yield [ordered[i % len(ordered)] for i in range(self.per_group)]

    def _others(self, anchor: int, generator: np.random.Generator) -> list[int]:
        own = self.tracklets[anchor]
        others = [position for position in self._members[own.identity] if position != anchor]
        if not others:
            return []
        ordered = self.across_cameras(others, generator)
        return sorted(ordered, key=lambda position: self.tracklets[position].camera == own.camera)
