"""Where a person can have been: how long it takes from one camera to another.

A person who leaves camera A at the end of one tracklet and enters B at the start of the next was
in transit from A to B for the seconds between. A candidate is possible when it may follow the
query, or precede it, with a transit that the topology allows:

    query first:      query.end + least(Q, C) ≤ candidate.start ≤ query.end + most(Q, C)
    candidate first:  query.start - most(C, Q) ≤ candidate.end ≤ query.start - least(C, Q)

- Both ends of a transit are allowed. A negative `least_s` lets two tracklets overlap by so many
  seconds, for cameras that see the same place; otherwise overlapping tracklets are impossible.
- Of a pair that is listed in one order only, the other order takes 0 seconds or more, or is
  impossible, as `unlisted` says.
- A pair that is listed in no order is not restricted at all, or impossible, as `unlisted` says.
- The query's own camera is restricted only where the pair of it with itself is listed.
- A candidate whose camera or time is not known is possible: nothing shows that it is not.
"""

import math
from dataclasses import dataclass
from typing import Literal

from service.errors import InvalidQuery
from service.gallery.filter_tree import AnyOf, Exists, Filter, Joined, Not
from service.gallery.moment_filter import MomentWithin
from service.gallery.ranking.exclusion import none_of
from service.gallery.records import check_identifier

MOST_TRANSITS = 10_000

Unlisted = Literal["possible", "impossible"]
Seconds = tuple[float, float]

_ANY_TIME_LATER: Seconds = (0.0, math.inf)


@dataclass(frozen=True, slots=True)
class Transit:
    """Least and most seconds from the end of a tracklet of one camera to the start at another.

    Raises:
        InvalidIdentifier: When a camera is none.
        InvalidQuery: When the seconds are not in order, or the least are not finite.
    """

    from_camera: str
    to_camera: str
    least_s: float = 0.0
    most_s: float = math.inf

    def __post_init__(self) -> None:
        """Refuse what no tracklet can satisfy or nobody can have meant."""
        check_identifier("camera", self.from_camera)
        check_identifier("camera", self.to_camera)
        if not (math.isfinite(self.least_s) and self.least_s <= self.most_s):
            raise InvalidQuery(
                expected="a finite `least` of transit seconds, not above `most`",
                received=f"least {self.least_s} and most {self.most_s}",
                remedy="swap them, or leave `most` out for any time later",
            )


@dataclass(frozen=True, slots=True)
class Sighting:
    """Where and when the query was seen: its camera, start and end in Unix seconds."""

    camera: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Topology:
    """Transits between cameras; `unlisted` ones are possible or impossible.

    Raises:
        InvalidQuery: When a pair is listed twice, or there are more than 10,000 of them.
    """

    transits: tuple[Transit, ...]
    unlisted: Unlisted = "possible"

    def __post_init__(self) -> None:
        """Refuse contradictions and what would take too long to apply."""
        if len(self.transits) > MOST_TRANSITS:
            raise InvalidQuery(
                expected=f"at most {MOST_TRANSITS} transits",
                received=str(len(self.transits)),
                remedy="send those of the query's camera only",
            )
        pairs = {(transit.from_camera, transit.to_camera) for transit in self.transits}
        if len(pairs) < len(self.transits):
            raise InvalidQuery(
                expected="each ordered pair of cameras once",
                received=f"{len(self.transits)} transits of {len(pairs)} pairs",
                remedy="leave out the repeated ones",
            )

    def filter(self, query: Sighting) -> Filter:
        """The filter that possible candidates pass; exact, and as cheap as any other filter."""
        outward = {
            transit.to_camera: (transit.least_s, transit.most_s)
            for transit in self.transits
            if transit.from_camera == query.camera
        }
        inward = {
            transit.from_camera: (transit.least_s, transit.most_s)
            for transit in self.transits
            if transit.to_camera == query.camera
        }
        rules: list[Filter] = [
            AnyOf((none_of("camera", cameras), Not(Exists("time")), *self._windows(query, *bounds)))
            for bounds, cameras in _by_bounds(outward, inward).items()
        ]
        if self.unlisted == "impossible":
            listed = {*outward, *inward, query.camera}
            rules.append(AnyOf((Not(Exists("camera")), Not(none_of("camera", listed)))))
        return Joined(tuple(rules))

    def _windows(
        self, query: Sighting, outward: Seconds | None, inward: Seconds | None
    ) -> tuple[Filter, ...]:
        """When a candidate may start if it follows the query, and end if it precedes it."""
        unlisted = _ANY_TIME_LATER if self.unlisted == "possible" else None
        windows: list[Filter] = []
        if after := outward or unlisted:
            least_s, most_s = after
            windows.append(MomentWithin("start", query.end_s + least_s, query.end_s + most_s))
        if before := inward or unlisted:
            least_s, most_s = before
            windows.append(MomentWithin("end", query.start_s - most_s, query.start_s - least_s))
        return tuple(windows)


def _by_bounds(
    outward: dict[str, Seconds], inward: dict[str, Seconds]
) -> dict[tuple[Seconds | None, Seconds | None], list[str]]:
    """Cameras that share a rule, so that installations with one rule make one condition."""
    cameras_of: dict[tuple[Seconds | None, Seconds | None], list[str]] = {}
    for camera in sorted({*outward, *inward}):
        bounds = (outward.get(camera), inward.get(camera))
        cameras_of.setdefault(bounds, []).append(camera)
    return cameras_of
