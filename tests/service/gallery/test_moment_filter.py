import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import InvalidQuery
from service.gallery.filter_tree import All, Equals, Joined, parts_of
from service.gallery.moment_filter import MomentWithin
from service.gallery.records import TrackletMetadata

seconds = st.integers(-5, 5).map(float)


def at(start_s, end_s) -> TrackletMetadata:
    return TrackletMetadata(start_s=start_s, end_s=end_s)


@given(st.sampled_from(["start", "end"]), seconds, seconds, seconds, seconds)
def test_the_window_is_closed_and_of_one_end_only(moment, least, wide, start, long):
    condition = MomentWithin(moment, least, least + abs(wide))
    held = start if moment == "start" else start + abs(long)
    passed = condition.matches("t", at(start, start + abs(long)))
    assert passed == (least <= held <= least + abs(wide))


@pytest.mark.parametrize("moment", ["start", "end"])
def test_a_single_known_time_is_both_ends_and_an_unknown_one_is_in_no_window(moment):
    assert MomentWithin(moment, 3, 3).matches("t", at(3, None))
    assert MomentWithin(moment, 3, 3).matches("t", at(None, 3))
    assert not MomentWithin(moment).matches("t", TrackletMetadata())


@pytest.mark.parametrize("window", [(2, 1), (math.nan, 1), (1, math.nan)])
def test_an_empty_window_is_refused(window):
    least, most = window
    with pytest.raises(InvalidQuery) as refused:
        MomentWithin("start", least, most)
    assert str(refused.value) == (
        "expected a window for the tracklet's start that is not empty, received "
        f"{least} to {most}; correct the times"
    )


def deepest():
    tree = Equals("camera", ("c0",))
    for _ in range(7):
        tree = All((tree,))
    return tree


def test_the_service_may_join_the_largest_tree_with_its_own_conditions():
    """`All` would be too deep here: the bound is on what a caller sends."""
    with pytest.raises(InvalidQuery):
        All((deepest(),))
    joined = Joined((deepest(), MomentWithin("start", 0, 1)))
    assert parts_of(joined) == joined.parts
    camera = TrackletMetadata(camera="c0", start_s=1)
    assert joined.matches("t", camera)
    assert not joined.matches("t", TrackletMetadata(camera="c0", start_s=2))
    assert not joined.matches("t", TrackletMetadata(camera="c1", start_s=1))
