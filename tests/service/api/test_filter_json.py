import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.api.filter_json import read_filter, read_filter_text
from service.errors import InvalidIdentifier, InvalidQuery, MalformedRequest
from service.gallery.filter_tree import All, AnyOf, Between, Equals, Exists, Not, Overlaps

values = st.booleans() | st.integers(-(2**53), 2**53) | st.text(min_size=1, max_size=5)
fields = st.sampled_from(["attributes.shift", "attributes.frames"])
bounds = st.none() | st.integers(0, 9).map(float)


def _ordered(pair):
    low, high = pair
    return (high, low) if low is not None and high is not None and low > high else pair


windows = st.tuples(bounds, bounds).map(_ordered)


def _without_nothing(keys):
    return {key: value for key, value in keys.items() if value is not None}


leaves = st.one_of(
    st.builds(
        lambda field, value: (
            {"equals": {"field": field, "value": value}},
            Equals(field, (value,)),
        ),
        fields,
        values,
    ),
    st.builds(
        lambda field, chosen: (
            {"in": {"field": field, "values": chosen}},
            Equals(field, tuple(chosen)),
        ),
        fields,
        st.lists(values, min_size=1, max_size=3),
    ),
    st.sampled_from(["camera", "identity", "time"]).map(
        lambda field: ({"exists": {"field": field}}, Exists(field))
    ),
    windows.map(
        lambda ends: (
            {"overlaps": _without_nothing({"start": ends[0], "end": ends[1]})},
            Overlaps(
                -math.inf if ends[0] is None else ends[0], math.inf if ends[1] is None else ends[1]
            ),
        )
    ),
    windows.map(
        lambda ends: (
            {
                "between": _without_nothing(
                    {"field": "attributes.n", "from": ends[0], "to": ends[1]}
                )
            },
            Between(
                "attributes.n",
                -math.inf if ends[0] is None else ends[0],
                math.inf if ends[1] is None else ends[1],
            ),
        )
    ),
)


def _joined(children):
    lists = st.lists(children, max_size=3)
    return st.one_of(
        lists.map(
            lambda pairs: ({"and": [pair[0] for pair in pairs]}, All(tuple(p[1] for p in pairs)))
        ),
        lists.map(
            lambda pairs: ({"or": [pair[0] for pair in pairs]}, AnyOf(tuple(p[1] for p in pairs)))
        ),
        children.map(lambda pair: ({"not": pair[0]}, Not(pair[1]))),
    )


@given(st.recursive(leaves, _joined, max_leaves=6).filter(lambda pair: _depth(pair[0]) <= 8))
def test_the_json_is_the_tree(pair):
    written, tree = pair
    assert read_filter(written) == tree
    assert read_filter_text(json.dumps(written)) == tree


def _depth(written):
    ((operator, operand),) = written.items()
    if operator == "not":
        return 1 + _depth(operand)
    if operator in {"and", "or"}:
        return 1 + max(map(_depth, operand), default=0)
    return 1


def test_times_are_written_as_everywhere():
    assert read_filter({"overlaps": {"start": "1970-01-01T00:00:10Z", "end": 20}}) == Overlaps(
        10.0, 20.0
    )


def _nested(depth):
    tree = {"exists": {"field": "camera"}}
    for _ in range(depth - 1):
        tree = {"not": tree}
    return tree


def test_eight_levels_are_read_and_nine_refused():
    read_filter(_nested(8))
    with pytest.raises(InvalidQuery, match=r"at most 8 levels, received a deeper one; simplify"):
        read_filter(_nested(9))


@pytest.mark.parametrize("depth", [100, 900])
def test_a_far_too_deep_tree_is_refused_like_a_deep_one(depth):
    with pytest.raises(InvalidQuery, match="at most 8 levels"):
        read_filter(_nested(depth))


def test_ten_thousand_levels_of_text_are_no_filter_and_no_crash():
    text = '{"not":' * 10_000 + '{"exists":{"field":"camera"}}' + "}" * 10_000
    with pytest.raises(MalformedRequest, match=r"expected `filter` to be JSON.*data-urlencode"):
        read_filter_text(text)


def test_more_conditions_than_allowed_are_refused():
    with pytest.raises(InvalidQuery, match="256 conditions"):
        read_filter({"and": [{"exists": {"field": "camera"}}] * 300})


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (None, "expected `filter` to be an object with one operator as its key, received null"),
        ([], "object with one operator as its key, received a list of 0"),
        ({}, "object with one operator as its key, received an object with 0 keys"),
        ({"and": [], "or": []}, "received an object with 2 keys"),
        ({"equal": 1}, r"operators and, or, .*received unknown operator 'equal'.*mean `equals`"),
        ({"$where": 1}, "unknown operator '\\$where'; correct the operator"),
        ({"and": {}}, "expected `filter.and` to be a list of filters, received an object with 0"),
        ({"and": [{"or": [3]}]}, r"expected `filter.and\[0\].or\[0\]` to be an object.*received 3"),
        ({"not": [1]}, "expected `filter.not` to be an object"),
        ({"equals": 3}, "expected `filter.equals` to be an object, received 3"),
        ({"equals": {"field": "camera"}}, "to have the key `value`, received none"),
        ({"equals": {"value": 1}}, "to have the key `field`, received none"),
        (
            {"equals": {"field": "camera", "value": "c", "x": 1}},
            "only the keys field, value, received 'x'",
        ),
        ({"equals": {"field": 3, "value": 1}}, "`filter.equals.field` to be the name of a field"),
        ({"equals": {"field": "colour", "value": 1}}, "field tracklet_id, identity.*'colour'"),
        ({"equals": {"field": "camera", "value": 1}}, "text for `camera`, received 1"),
        (
            {"equals": {"field": "attributes.a", "value": None}},
            "`filter.equals.value` to be text of at most.*received null",
        ),
        ({"equals": {"field": "attributes.a", "value": math.nan}}, "a finite number.*received nan"),
        ({"in": {"field": "camera", "values": "c"}}, "`filter.in.values` to be a list"),
        ({"in": {"field": "camera", "values": []}}, "1 to 1000 values for `camera`, received 0"),
        (
            {"in": {"field": "attributes.a", "values": [[]]}},
            r"`filter.in.values\[0\]` to be.*a list of 0",
        ),
        ({"exists": {"field": "seq"}}, "received 'seq'; correct the field"),
        ({"overlaps": {"from": 1}}, "only the keys start, end, received 'from'"),
        ({"overlaps": {"start": "noon"}}, "`filter.overlaps.start` to be ISO 8601.*'noon'"),
        ({"overlaps": {"start": 2, "end": 1}}, "`start` is not after its `end`"),
        ({"between": {"field": "camera", "from": 1}}, "a range over `attributes.NAME`"),
        ({"between": {"field": "attributes.n", "from": "1"}}, "to be a number, received '1'"),
        ({"between": {"field": "attributes.n", "to": True}}, "to be a number, received True"),
        ({"between": {"field": "attributes.n", "to": 10**400}}, "to be a finite number"),
        (
            {"between": {"field": "attributes.n", "from": 2, "to": 1}},
            "`from` is not above its `to`",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_place(written, message):
    with pytest.raises(InvalidQuery, match=message):
        read_filter(written)


def test_a_name_that_nothing_can_have_is_refused():
    with pytest.raises(InvalidIdentifier, match="a camera of 1 to 200"):
        read_filter({"equals": {"field": "camera", "value": "a\0b"}})
