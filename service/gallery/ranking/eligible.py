"""Which tracklets may match a query: every rule that is about a tracklet alone, as one filter."""

from dataclasses import dataclass

from service.errors import InvalidQuery
from service.gallery.filter_tree import EVERYTHING, Equals, Filter, Joined, Not
from service.gallery.ranking.topology import Sighting, Topology


@dataclass(frozen=True, slots=True)
class Eligibility:
    """Rules that a match obeys; what is not known of the query is None.

    Attributes:
        filter: Which tracklets may match.
        exclude_same_camera: Leave out tracklets of the query's camera, which must then be known.
        exclude_ids: Tracklets to leave out, 1,000 at most.
        topology: Leave out who cannot have come from the query's camera, or gone there, in the
            time between; camera and times of the query must then be known.
        query_camera: The query's camera.
        query_interval_s: The query's start and end in Unix seconds.

    Raises:
        InvalidQuery: When more than 1,000 ids are excluded, or the query ends before it starts.
        InvalidIdentifier: When an id or the camera is one that nothing can have.
    """

    filter: Filter = EVERYTHING
    exclude_same_camera: bool = False
    exclude_ids: tuple[str, ...] = ()
    topology: Topology | None = None
    query_camera: str | None = None
    query_interval_s: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        """Refuse what can be refused before the query is known."""
        if self.exclude_ids:
            Equals("tracklet_id", self.exclude_ids)
        if self.query_camera is not None:
            Equals("camera", (self.query_camera,))
        if self.query_interval_s is not None:
            start_s, end_s = self.query_interval_s
            if not start_s <= end_s:
                raise InvalidQuery(
                    expected="a query whose `start` is not after its `end`",
                    received=f"start {start_s} and end {end_s}",
                    remedy="swap them, or leave out the one that is not known",
                )

    def tree(self, *, asked_by: str | None = None) -> Filter:
        """All rules as one filter; a query that is enrolled itself is not among its matches.

        Raises:
            InvalidQuery: When a rule needs what is not known of the query.
        """
        rules: list[Filter] = []
        if asked_by is not None:
            rules.append(Not(Equals("tracklet_id", (asked_by,))))
        if self.exclude_ids:
            rules.append(Not(Equals("tracklet_id", self.exclude_ids)))
        if self.exclude_same_camera:
            rules.append(Not(Equals("camera", (self._camera("exclude_same_camera"),))))
        if self.topology is not None:
            rules.append(self.topology.filter(self._sighting()))
        return Joined((self.filter, *rules)) if rules else self.filter

    def _camera(self, rule: str) -> str:
        if self.query_camera is None:
            raise InvalidQuery(
                expected=f"the query's camera, for `{rule}`",
                received="a query whose camera is not known",
                remedy=f"send `camera`, or leave `{rule}` out",
            )
        return self.query_camera

    def _sighting(self) -> Sighting:
        camera = self._camera("topology")
        if self.query_interval_s is None:
            raise InvalidQuery(
                expected="the query's start and end, for `topology`",
                received="a query whose time is not known",
                remedy="send `query_start` and `query_end`, or leave `topology` out",
            )
        return Sighting(camera, *self.query_interval_s)
