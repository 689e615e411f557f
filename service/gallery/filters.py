"""Which tracklets a search or a page may see."""

import math
from dataclasses import dataclass

from service.errors import InvalidQuery
from service.gallery.records import TrackletMetadata, check_identifier


@dataclass(frozen=True, slots=True)
class TrackletFilter:
    """Conditions that a tracklet must all meet; None asks nothing.

    Times are a half-open window [start, end) in Unix seconds, and a tracklet passes when its own
    half-open interval overlaps it. Where both ends are equal, an interval is that moment. What is
    not known never meets a condition on it, and is never excluded by one.

    Raises:
        InvalidIdentifier: When a name is one that nothing can have.
        InvalidQuery: When the window ends before it starts, or has an end that is not a number.
    """

    cameras: frozenset[str] | None = None
    exclude_camera: str | None = None
    identity: str | None = None
    start_s: float | None = None
    end_s: float | None = None
    exclude_tracklet: str | None = None

    def __post_init__(self) -> None:
        """Refuse names that nothing can have, and a window that no time can be compared with."""
        for kind, names in (
            ("tracklet id", (self.exclude_tracklet,)),
            ("identity", (self.identity,)),
            ("camera", (self.exclude_camera, *(self.cameras or ()))),
        ):
            for name in names:
                if name is not None:
                    check_identifier(kind, name)
        start_s, end_s = self.window_s() or (0.0, 0.0)
        if start_s > end_s or math.isnan(start_s) or math.isnan(end_s):
            raise InvalidQuery(
                expected="a time window whose `start` is not after its `end`",
                received=f"start {self.start_s} and end {self.end_s}",
                remedy="swap them, or leave one out for an open window",
            )

    def window_s(self) -> tuple[float, float] | None:
        """Start and end in Unix seconds, infinite where open; None when time is not asked about."""
        if self.start_s is None and self.end_s is None:
            return None
        start_s = -math.inf if self.start_s is None else self.start_s
        return start_s, math.inf if self.end_s is None else self.end_s

    def matches(self, tracklet_id: str, metadata: TrackletMetadata) -> bool:
        """Whether the tracklet passes. The index and the store are tested against this."""
        if self.exclude_tracklet is not None and tracklet_id == self.exclude_tracklet:
            return False
        if self.identity is not None and metadata.identity != self.identity:
            return False
        if self.cameras is not None and metadata.camera not in self.cameras:
            return False
        if self.exclude_camera is not None and metadata.camera == self.exclude_camera:
            return False
        window_s = self.window_s()
        return window_s is None or _overlap(metadata.interval_s(), window_s)


EVERYTHING = TrackletFilter()
"""The filter that every tracklet passes."""


def _overlap(interval_s: tuple[float, float] | None, window_s: tuple[float, float]) -> bool:
    """Half-open intervals; the second comparison of each line lets a single moment count."""
    if interval_s is None:
        return False
    (start_s, end_s), (window_start_s, window_end_s) = interval_s, window_s
    begins_in_time = start_s < window_end_s or start_s <= window_start_s
    ends_in_time = end_s > window_start_s or start_s >= window_start_s
    return begins_in_time and ends_in_time
