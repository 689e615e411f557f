import math

import pytest
from hypothesis import given

from service.errors import InvalidIdentifier, InvalidQuery
from service.gallery.filters import EVERYTHING, TrackletFilter
from service.gallery.records import TrackletMetadata
from tests.gallery_rows import intervals, metadatas

KNOWN = TrackletMetadata("p1", "c1", 10, 20)
UNKNOWN = TrackletMetadata()


@given(metadatas)
def test_without_conditions_everything_passes(metadata):
    assert EVERYTHING.matches("a", metadata)


@pytest.mark.parametrize(
    ("chosen", "known", "unknown"),
    [
        (TrackletFilter(identity="p1"), True, False),
        (TrackletFilter(identity="p2"), False, False),
        (TrackletFilter(cameras=frozenset({"c1", "c2"})), True, False),
        (TrackletFilter(cameras=frozenset({"c2"})), False, False),
        (TrackletFilter(cameras=frozenset()), False, False),
        (TrackletFilter(exclude_camera="c1"), False, True),
        (TrackletFilter(exclude_camera="c2"), True, True),
        (TrackletFilter(exclude_tracklet="a"), False, False),
        (TrackletFilter(exclude_tracklet="b"), True, True),
        (TrackletFilter(start_s=0), True, False),
        (TrackletFilter(identity="p1", cameras=frozenset({"c2"})), False, False),
        (TrackletFilter(identity="p1", start_s=20), False, False),
    ],
)
def test_what_is_unknown_never_meets_a_condition_and_is_never_excluded(chosen, known, unknown):
    assert chosen.matches("a", KNOWN) is known
    assert chosen.matches("a", UNKNOWN) is unknown


@pytest.mark.parametrize(
    ("start_s", "end_s", "passes"),
    [
        (20, None, False),
        (19, None, True),
        (None, 10, False),
        (None, 11, True),
        (12, 13, True),
        (0, 99, True),
        (10, 10, True),
        (20, 20, False),
        (15, 15, True),
    ],
)
def test_windows_are_half_open_and_a_moment_counts(start_s, end_s, passes):
    assert TrackletFilter(start_s=start_s, end_s=end_s).matches("a", KNOWN) is passes


def instants(start_s: float, end_s: float) -> set[float]:
    """Those of the half-open interval on a grid finer than its ends; at least its start."""
    steps = range(int(2 * max(start_s, -1)), int(2 * min(end_s, 7)))
    return {step / 2 for step in steps} | {start_s}


@given(intervals(), intervals())
def test_a_window_passes_what_shares_an_instant_with_it(own, asked):
    window = TrackletFilter(start_s=asked[0], end_s=asked[1])
    interval = TrackletMetadata(start_s=own[0], end_s=own[1]).interval_s()
    if window.window_s() is None:
        expected = True
    elif interval is None:
        expected = False
    else:
        expected = bool(instants(*interval) & instants(*window.window_s()))
    assert window.matches("a", TrackletMetadata(start_s=own[0], end_s=own[1])) is expected


@pytest.mark.parametrize(("start_s", "end_s"), [(2, 1), (math.nan, None), (None, math.nan)])
def test_a_window_that_no_time_can_be_compared_with_is_refused(start_s, end_s):
    with pytest.raises(InvalidQuery) as caught:
        TrackletFilter(start_s=start_s, end_s=end_s)
    assert caught.value.expected == "a time window whose `start` is not after its `end`"
    assert caught.value.received == f"start {start_s} and end {end_s}"


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        ({"identity": "a/b"}, "identity"),
        ({"exclude_camera": ""}, "camera"),
        ({"cameras": frozenset({"c1", "\ud800"})}, "camera"),
        ({"exclude_tracklet": "a\0b"}, "tracklet id"),
    ],
)
def test_a_name_that_nothing_can_have_is_refused(wrong, kind):
    with pytest.raises(InvalidIdentifier, match=f"expected a {kind} of"):
        TrackletFilter(**wrong)
