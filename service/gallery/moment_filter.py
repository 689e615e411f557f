"""A condition on one end of a tracklet's time, which camera topologies are made of."""

import math
from dataclasses import dataclass
from typing import Literal

from service.errors import InvalidQuery
from service.gallery.records import TrackletMetadata

Moment = Literal["start", "end"]


@dataclass(frozen=True, slots=True)
class MomentWithin:
    """The tracklet starts, or ends, in the closed window [least_s, most_s] of Unix seconds.

    Raises:
        InvalidQuery: When the window ends before it starts, or an end is not a number.
    """

    moment: Moment
    least_s: float = -math.inf
    most_s: float = math.inf

    def __post_init__(self) -> None:
        """Refuse a window that no time can be compared with."""
        if not self.least_s <= self.most_s:
            raise InvalidQuery(
                expected=f"a window for the tracklet's {self.moment} that is not empty",
                received=f"{self.least_s} to {self.most_s}",
                remedy="correct the times",
            )

    def matches(self, tracklet_id: str, metadata: TrackletMetadata) -> bool:  # noqa: ARG002 one signature for all
        """Whether the tracklet passes; one without times does not."""
        interval_s = metadata.interval_s()
        if interval_s is None:
            return False
        held_s = interval_s[0] if self.moment == "start" else interval_s[1]
        return self.least_s <= held_s <= self.most_s
