"""GRL's batches: every tracklet in turn as an anchor, beside it the same person elsewhere."""

from collections.abc import Iterator

import numpy as np

from training.data.step_sampler import StepSampler


class AnchorSampler(StepSampler):
    """Every tracklet once a pass as an anchor, with K-1 of its identity (spec §1.7, GRL harness).

    The others come from other cameras than the anchor's as long as there are any, then from its
    own; an anchor that is its identity's only tracklet is drawn K times, with other frames. An
    identity with more tracklets is seen more often, and two anchors of a batch may be one person.

    Raises:
        ValueError: When there are fewer than P tracklets, or P cannot be shared out equally.
    """

    drawn = "tracklets to draw a batch of anchors"

    @property
    def choices(self) -> int:
        """How many tracklets there are."""
        return len(self.tracklets)

    def groups_at(self, step: int, generator: np.random.Generator) -> Iterator[list[int]]:
        """Each of P anchors, followed by K-1 tracklets of its identity."""
        for anchor in self.shuffled_pass(step):
            ordered = [anchor, *self._others(anchor, generator)]
            yield [ordered[i % len(ordered)] for i in range(self.per_group)]

    def _others(self, anchor: int, generator: np.random.Generator) -> list[int]:
        own = self.tracklets[anchor]
        others = [position for position in self.members[own.identity] if position != anchor]
        if not others:
            return []
        ordered = self.across_cameras(others, generator)
        return sorted(ordered, key=lambda position: self.tracklets[position].camera == own.camera)
