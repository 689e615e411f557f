"""Which tracklets a search, a listing or a deletion may touch: a closed tree of conditions.

`matches` of a tree is the oracle. The index evaluates the same trees over columns and is tested
against it.
"""

import math
from dataclasses import dataclass
from typing import TypeAlias

from service.errors import InvalidQuery
from service.gallery.moment_filter import MomentWithin
from service.gallery.records import Attribute, TrackletMetadata, check_identifier

MOST_DEPTH = 8
MOST_CONDITIONS = 256
MOST_VALUES = 1000
ATTRIBUTE_PREFIX = "attributes."

_NAMED_FIELDS = ("tracklet_id", "identity", "camera")


@dataclass(frozen=True, slots=True)
class Equals:
    """The field has one of `values`; a field that is not known has none.

    Numbers compare by value, true and false only with themselves.

    Args:
        field: `tracklet_id`, `identity`, `camera`, or `attributes.NAME`.
        values: 1 to 1,000 of them.

    Raises:
        InvalidQuery: For another field, and for too few or too many values.
        InvalidIdentifier: For a name that nothing can have.
    """

    field: str
    values: tuple[Attribute, ...]

    def __post_init__(self) -> None:
        """Refuse fields that no tracklet has, and names that nothing can have."""
        check_field(self.field)
        if not 1 <= len(self.values) <= MOST_VALUES:
            raise InvalidQuery(
                expected=f"1 to {MOST_VALUES} values for `{self.field}`",
                received=str(len(self.values)),
                remedy="split the request, or filter by another field",
            )
        if self.field in _NAMED_FIELDS:
            for value in self.values:
                check_name(self.field, value)

    def matches(self, tracklet_id: str, metadata: TrackletMetadata) -> bool:
        """Whether the tracklet passes."""
        held = field_value(self.field, tracklet_id, metadata)
        return held is not None and any(same_value(held, value) for value in self.values)


@dataclass(frozen=True, slots=True)
class Exists:
    """The field is known.

    Args:
        field: As in `Equals`, or `time` for a start or an end.
    """

    field: str

    def __post_init__(self) -> None:
        """Refuse fields that no tracklet has."""
        if self.field != "time":
            check_field(self.field)

    def matches(self, tracklet_id: str, metadata: TrackletMetadata) -> bool:
        """Whether the tracklet passes."""
        if self.field == "time":
            return metadata.interval_s() is not None
        return field_value(self.field, tracklet_id, metadata) is not None


@dataclass(frozen=True, slots=True)
class Overlaps:
    """The tracklet's time overlaps the half-open window [start_s, end_s), in Unix seconds.

    Where both ends of an interval are equal it is that moment. Infinite ends leave a window open.

    Raises:
        InvalidQuery: When the window ends before it starts, or an end is not a number.
    """

    start_s: float = -math.inf
    end_s: float = math.inf

    def __post_init__(self) -> None:
        """Refuse a window that no time can be compared with."""
        if not self.start_s <= self.end_s:
            raise InvalidQuery(
                expected="a time window whose `start` is not after its `end`",
                received=f"start {self.start_s} and end {self.end_s}",
                remedy="swap them, or leave one out for an open window",
            )

    def matches(self, tracklet_id: str, metadata: TrackletMetadata) -> bool:  # noqa: ARG002 one signature for all
        """Whether the tracklet passes; one without times does not."""
        interval_s = metadata.interval_s()
        if interval_s is None:
            return False
        start_s, end_s = interval_s
        begins_in_time = start_s < self.end_s or start_s <= self.start_s
        ends_in_time = end_s > self.start_s or start_s >= self.start_s
        return begins_in_time and ends_in_time


@dataclass(frozen=True, slots=True)
class Between:
    """A numeric attribute lies in the half-open range [least, below).

    Args:
        field: `attributes.NAME`; an attribute that is no number is in no range.
        least: Lower end, itself included.
        below: Upper end, left out.

    Raises:
        InvalidQuery: For another field, and for ends in the wrong order or not numbers.
    """

    field: str
    least: float = -math.inf
    below: float = math.inf

    def __post_init__(self) -> None:
        """Refuse what cannot be compared."""
        if not self.field.startswith(ATTRIBUTE_PREFIX):
            raise InvalidQuery(
                expected="a range over `attributes.NAME`",
                received=f"field {self.field[:60]!r}",
                remedy="filter times with `overlaps`, names with `equals`",
            )
        check_field(self.field)
        if not self.least <= self.below:
            raise InvalidQuery(
                expected="a range whose `from` is not above its `to`",
                received=f"from {self.least} to {self.below}",
                remedy="swap them, or leave one out",
            )

    def matches(self, tracklet_id: str, metadata: TrackletMetadata) -> bool:
        """Whether the tracklet passes."""
        held = field_value(self.field, tracklet_id, metadata)
        is_number = isinstance(held, int | float) and not isinstance(held, bool)
        return is_number and self.least <= held < self.below  # type: ignore[operator]


@dataclass(frozen=True, slots=True)
class All:
    """Every part passes; without parts, everything does."""

    parts: tuple["Filter", ...] = ()

    def __post_init__(self) -> None:
        """Refuse trees that cost more than they can be worth."""
        check_size(self)

    def matches(self, tracklet_id: str, metadata: TrackletMetadata) -> bool:
        """Whether the tracklet passes."""
        return all(part.matches(tracklet_id, metadata) for part in self.parts)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part passes; without parts, nothing does."""

    parts: tuple["Filter", ...]

    def __post_init__(self) -> None:
        """Refuse trees that cost more than they can be worth."""
        check_size(self)

    def matches(self, tracklet_id: str, metadata: TrackletMetadata) -> bool:
        """Whether the tracklet passes."""
        return any(part.matches(tracklet_id, metadata) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not pass; so what is not known is never excluded by `Not(Equals(...))`."""

    part: "Filter"

    def __post_init__(self) -> None:
        """Refuse trees that cost more than they can be worth."""
        check_size(self)

    def matches(self, tracklet_id: str, metadata: TrackletMetadata) -> bool:
        """Whether the tracklet passes."""
        return not self.part.matches(tracklet_id, metadata)


@dataclass(frozen=True, slots=True)
class Joined(All):
    """An `All` that the service makes of several trees, each of which was bounded by itself."""

    def __post_init__(self) -> None:
        """Take a caller's largest tree, and the service's own conditions beside it."""


Filter: TypeAlias = Equals | Exists | Overlaps | MomentWithin | Between | All | AnyOf | Not


def parts_of(tree: Filter) -> tuple[Filter, ...]:
    """The trees directly below this one."""
    if isinstance(tree, All | AnyOf):
        return tree.parts
    return (tree.part,) if isinstance(tree, Not) else ()


def check_size(tree: Filter) -> None:
    """Bound the depth and the number of conditions.

    Raises:
        InvalidQuery: When the tree is deeper than 8 or has more than 256 conditions.
    """
    depth, level, conditions = 0, [tree], 0
    while level:
        depth += 1
        conditions += len(level)
        if depth > MOST_DEPTH or conditions > MOST_CONDITIONS:
            raise InvalidQuery(
                expected=f"a filter of at most {MOST_DEPTH} levels and {MOST_CONDITIONS} "
                "conditions",
                received="a larger one",
                remedy="simplify the filter, or split the request",
            )
        level = [part for parent in level for part in parts_of(parent)]


def check_field(field: str) -> None:
    """Refuse a field that no tracklet has.

    Raises:
        InvalidQuery: Otherwise than for `tracklet_id`, `identity`, `camera` or `attributes.NAME`.
    """
    of_attribute = field.startswith(ATTRIBUTE_PREFIX) and field != ATTRIBUTE_PREFIX
    if field in _NAMED_FIELDS or of_attribute:
        return
    raise InvalidQuery(
        expected="the field tracklet_id, identity, camera or attributes.NAME",
        received=repr(field[:60]),
        remedy="correct the field",
    )


def check_name(field: str, value: Attribute) -> None:
    """Refuse a value that no `field` can have.

    Raises:
        InvalidQuery: When it is not text.
        InvalidIdentifier: When it is not an identifier.
    """
    if not isinstance(value, str):
        raise InvalidQuery(
            expected=f"text for `{field}`",
            received=repr(value)[:60],
            remedy="send the name between quotes",
        )
    check_identifier(field.replace("_", " "), value)


def field_value(field: str, tracklet_id: str, metadata: TrackletMetadata) -> Attribute | None:
    """What the tracklet has in the field; None when that is not known."""
    if field == "tracklet_id":
        return tracklet_id
    if field == "identity":
        return metadata.identity
    if field == "camera":
        return metadata.camera
    return metadata.attributes.get(field.removeprefix(ATTRIBUTE_PREFIX))


def same_value(one: Attribute, other: Attribute) -> bool:
    """Equal, and both true-or-false or neither: in Python 1 equals True."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)


EVERYTHING = All()
"""The filter that every tracklet passes."""
