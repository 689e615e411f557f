import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import InvalidIdentifier, InvalidQuery
from service.gallery.filter_tree import (
    EVERYTHING,
    MOST_CONDITIONS,
    MOST_DEPTH,
    MOST_VALUES,
    All,
    AnyOf,
    Between,
    Equals,
    Exists,
    Joined,
    Not,
    Overlaps,
    parts_of,
    same_value,
)
from service.gallery.moment_filter import MomentWithin
from service.gallery.records import TrackletMetadata

NOTHING_KNOWN = TrackletMetadata()

ids = st.sampled_from(["t0", "t1", "t2"])
names = st.sampled_from(["a", "b", "c"])
seconds = st.integers(0, 4).map(float)
values = st.sampled_from([True, False, 0, 1, 2, 0.0, 1.0, 1.5, "1", "a", ""])
fields = st.sampled_from(["tracklet_id", "identity", "camera", "attributes.x", "attributes.y"])
windows = st.tuples(seconds, seconds).map(sorted)
metadatas = st.builds(
    lambda identity, camera, ends, known: TrackletMetadata(identity, camera, *ends, known),
    st.none() | names,
    st.none() | names,
    windows | st.tuples(seconds, st.none()) | st.tuples(st.none(), st.none() | seconds),
    st.dictionaries(st.sampled_from(["x", "y", "identity"]), values),
)


def equals(field, some):
    wanted = some if field.startswith("attributes") else [f"t{len(str(value))}" for value in some]
    return Equals(field, tuple(wanted))


leaves = (
    st.builds(equals, fields, st.lists(values, min_size=1, max_size=3))
    | st.builds(Exists, fields | st.just("time"))
    | st.builds(lambda window: Overlaps(*window), windows)
    | st.builds(
        lambda moment, window: MomentWithin(moment, *window),
        st.sampled_from(["start", "end"]),
        windows,
    )
    | st.builds(lambda window: Between("attributes.x", *window), windows)
)
trees = st.recursive(
    leaves,
    lambda parts: (
        st.lists(parts, max_size=3).map(lambda some: All(tuple(some)))
        | st.lists(parts, max_size=3).map(lambda some: AnyOf(tuple(some)))
        | parts.map(Not)
    ),
    max_leaves=6,
).filter(lambda tree: depth(tree) < MOST_DEPTH - 2)


def depth(tree):
    return 1 + max((depth(part) for part in parts_of(tree)), default=0)


def passes(tree, metadata, tracklet_id="t1"):
    return tree.matches(tracklet_id, metadata)


@given(trees, trees, ids, metadatas)
def test_de_morgan_and_the_double_negation(one, other, name, metadata):
    def same(left, right):
        assert left.matches(name, metadata) == right.matches(name, metadata)

    same(Not(All((one, other))), AnyOf((Not(one), Not(other))))
    same(Not(AnyOf((one, other))), All((Not(one), Not(other))))
    same(Not(Not(one)), one)
    same(All((one, other)), All((other, one)))
    same(AnyOf((one, other)), AnyOf((other, one)))
    same(All((one,)), one)
    same(AnyOf((one,)), one)
    same(All((one, Not(one))), AnyOf(()))
    same(AnyOf((one, Not(one))), EVERYTHING)
    same(Joined((one, other)), All((one, other)))


@given(ids, metadatas)
def test_without_parts_all_passes_everything_and_any_nothing(name, metadata):
    assert EVERYTHING.matches(name, metadata)
    assert not AnyOf(()).matches(name, metadata)


@given(fields, st.lists(values, min_size=1, max_size=4), ids, metadatas)
def test_one_of_several_values_is_any_of_one_value_each(field, some, name, metadata):
    together = equals(field, some)
    each = AnyOf(tuple(Equals(field, (value,)) for value in together.values))
    assert together.matches(name, metadata) == each.matches(name, metadata)


@given(leaves)
def test_what_is_not_known_matches_no_condition(leaf):
    if isinstance(leaf, Equals | Exists) and leaf.field == "tracklet_id":
        return
    assert not leaf.matches("t1", NOTHING_KNOWN)
    assert Not(leaf).matches("t1", NOTHING_KNOWN)


def test_equals_reads_the_field_that_it_names():
    known = TrackletMetadata("p", "c", attributes={"identity": "x", "camera": "y"})
    assert passes(Equals("identity", ("p",)), known)
    assert passes(Equals("camera", ("c",)), known)
    assert passes(Equals("tracklet_id", ("zz", "t1")), known)
    assert passes(Equals("attributes.identity", ("x",)), known)
    assert not passes(Equals("identity", ("x",)), known)
    assert not passes(Equals("camera", ("p",)), known)
    assert not passes(Equals("tracklet_id", ("t2",)), known)


def test_numbers_compare_by_value_and_truth_only_with_itself():
    assert same_value(1, 1.0)
    assert same_value(0, -0.0)
    assert same_value(True, True)
    for one, other in [(True, 1), (False, 0), (1.0, True), ("1", 1), ("", False)]:
        assert not same_value(one, other)
        assert not same_value(other, one)


def test_exists_asks_only_whether_it_is_known():
    known = TrackletMetadata("p", None, None, 5.0, {"x": False})
    assert passes(Exists("identity"), known)
    assert not passes(Exists("camera"), known)
    assert passes(Exists("attributes.x"), known)
    assert not passes(Exists("attributes.y"), known)
    assert passes(Exists("time"), known)
    assert not passes(Exists("time"), NOTHING_KNOWN)
    assert passes(Exists("tracklet_id"), NOTHING_KNOWN)


@given(windows, windows)
def test_a_window_overlaps_a_tracklet_when_they_share_a_moment(window, interval):
    """Half-open both, except that equal ends are that one moment."""

    def moments(start, end):
        half_steps = {start + step / 2 for step in range(int(2 * (end - start)))}
        return half_steps or {start}

    shared = bool(moments(*window) & moments(*interval))
    assert passes(Overlaps(*window), TrackletMetadata(None, None, *interval)) == shared


def test_an_open_window_reaches_as_far_as_there_is_time():
    at = TrackletMetadata(start_s=5.0)
    assert passes(Overlaps(), at)
    assert passes(Overlaps(start_s=5.0), at)
    assert not passes(Overlaps(start_s=5.5), at)
    assert passes(Overlaps(end_s=5.5), at)
    assert not passes(Overlaps(end_s=5.0), at)


def test_a_range_holds_its_lower_end_and_not_its_upper():
    def held(value):
        return TrackletMetadata(attributes={"x": value})

    between = Between("attributes.x", 1.0, 2.0)
    assert [passes(between, held(value)) for value in (0.5, 1, 1.5, 2.0)] == [0, 1, 1, 0]
    assert passes(Between("attributes.x", below=0.0), held(-(2**63)))
    assert passes(Between("attributes.x", least=0.0), held(2**63 - 1))
    for other in (True, False, "1.5", ""):
        assert not passes(between, held(other))
        assert not passes(Between("attributes.x"), held(other))
    assert not passes(Between("attributes.x", 1.0, 1.0), held(1.0))


def nested(levels):
    tree = Exists("camera")
    for level in range(levels - 1):
        tree = Not(tree) if level % 2 else All((tree,))
    return tree


def test_a_tree_has_at_most_eight_levels():
    assert depth(nested(MOST_DEPTH)) == 8
    for refused in (lambda: nested(9), lambda: nested(100), lambda: AnyOf((nested(8),))):
        with pytest.raises(InvalidQuery) as caught:
            refused()
        assert caught.value.expected == "a filter of at most 8 levels and 256 conditions"
        assert caught.value.received == "a larger one"
        assert caught.value.remedy == "simplify the filter, or split the request"


@pytest.mark.parametrize("joined", [All, AnyOf])
def test_a_tree_has_at_most_256_conditions(joined):
    leaf = Exists("camera")
    assert passes(Not(joined((leaf,) * (MOST_CONDITIONS - 2))), NOTHING_KNOWN)
    for refused in (
        lambda: joined((leaf,) * MOST_CONDITIONS),
        lambda: Not(joined((leaf,) * (MOST_CONDITIONS - 1))),
        lambda: joined((joined((leaf,) * 200), joined((leaf,) * 60))),
    ):
        with pytest.raises(InvalidQuery, match="at most 8 levels and 256 conditions"):
            refused()


@pytest.mark.parametrize("count", [0, MOST_VALUES + 1])
def test_equals_takes_one_to_a_thousand_values(count):
    with pytest.raises(InvalidQuery) as caught:
        Equals("attributes.x", tuple(range(count)))
    assert caught.value.expected == "1 to 1000 values for `attributes.x`"
    assert caught.value.received == str(count)
    assert caught.value.remedy == "split the request, or filter by another field"
    assert passes(
        Equals("attributes.x", tuple(range(MOST_VALUES))), TrackletMetadata(attributes={"x": 999})
    )


@pytest.mark.parametrize("field", ["", "time", "start", "attributes", "attributes.", "Camera", "x"])
@pytest.mark.parametrize("make", [lambda field: Equals(field, ("a",)), Exists])
def test_a_field_that_no_tracklet_has_is_refused(field, make):
    if field == "time" and make is Exists:
        return
    with pytest.raises(InvalidQuery) as caught:
        make(field)
    assert caught.value.expected == "the field tracklet_id, identity, camera or attributes.NAME"
    assert caught.value.received == repr(field)
    assert caught.value.remedy == "correct the field"


@pytest.mark.parametrize("field", ["tracklet_id", "identity", "camera"])
def test_a_name_that_nothing_can_have_is_refused(field):
    for value in (1, True, 1.5):
        with pytest.raises(InvalidQuery) as caught:
            Equals(field, ("a", value))
        assert caught.value.expected == f"text for `{field}`"
        assert caught.value.received == repr(value)
        assert caught.value.remedy == "send the name between quotes"
    for value in ("", "a/b", "a\0b", "x" * 201, "."):
        with pytest.raises(InvalidIdentifier, match=rf"an? {field.replace('_', ' ')} of 1 to 200"):
            Equals(field, (value,))


def test_a_window_that_ends_before_it_starts_is_refused():
    for start_s, end_s in ((2.0, 1.0), (math.nan, 1.0), (1.0, math.nan)):
        with pytest.raises(InvalidQuery) as caught:
            Overlaps(start_s, end_s)
        assert caught.value.expected == "a time window whose `start` is not after its `end`"
        assert caught.value.received == f"start {start_s} and end {end_s}"
        assert caught.value.remedy == "swap them, or leave one out for an open window"


def test_a_range_of_something_else_or_the_wrong_way_round_is_refused():
    with pytest.raises(InvalidQuery) as caught:
        Between("camera", 1.0, 2.0)
    assert caught.value.expected == "a range over `attributes.NAME`"
    assert caught.value.received == "field 'camera'"
    assert caught.value.remedy == "filter times with `overlaps`, names with `equals`"
    with pytest.raises(InvalidQuery, match="the field tracklet_id, identity, camera or"):
        Between("attributes.", 1.0, 2.0)
    for least, below in ((2.0, 1.0), (math.nan, 1.0), (1.0, math.nan)):
        with pytest.raises(InvalidQuery) as caught:
            Between("attributes.x", least, below)
        assert caught.value.expected == "a range whose `from` is not above its `to`"
        assert caught.value.received == f"from {least} to {below}"
        assert caught.value.remedy == "swap them, or leave one out"


def test_what_the_service_joins_is_not_bounded_again():
    largest = All((Exists("camera"),) * (MOST_CONDITIONS - 1))
    joined = Joined((largest, nested(MOST_DEPTH), Exists("identity")))
    assert parts_of(joined) == (largest, nested(MOST_DEPTH), Exists("identity"))
    assert not passes(joined, NOTHING_KNOWN)
