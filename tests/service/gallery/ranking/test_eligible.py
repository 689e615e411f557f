import pytest

from service.errors import InvalidIdentifier, InvalidQuery
from service.gallery.filter_tree import EVERYTHING, All, Equals
from service.gallery.ranking.eligible import Eligibility
from service.gallery.ranking.topology import Topology, Transit
from service.gallery.records import TrackletMetadata

SOMEWHERE = TrackletMetadata(camera="c1", start_s=5, end_s=6)
TOPOLOGY = Topology((Transit("c0", "c1", 1, 2),))


def test_no_rule_is_the_filter_itself():
    assert Eligibility().tree() is EVERYTHING
    chosen = Equals("camera", ("c0",))
    assert Eligibility(chosen).tree() is chosen


@pytest.mark.parametrize(
    ("rules", "passes"),
    [
        (Eligibility(Equals("camera", ("c0",))), False),
        (Eligibility(exclude_same_camera=True, query_camera="c1"), False),
        (Eligibility(exclude_same_camera=True, query_camera="c0"), True),
        (Eligibility(query_camera="c1"), True),
        (Eligibility(exclude_ids=("t", "u")), False),
        (Eligibility(exclude_ids=("u",)), True),
        (Eligibility(topology=TOPOLOGY, query_camera="c0", query_interval_s=(1, 4)), True),
        (Eligibility(topology=TOPOLOGY, query_camera="c0", query_interval_s=(1, 2)), False),
    ],
)
def test_each_rule_leaves_out_whom_it_names(rules, passes):
    assert rules.tree().matches("t", SOMEWHERE) == passes


def test_who_asks_is_left_out():
    assert not Eligibility().tree(asked_by="t").matches("t", SOMEWHERE)
    assert Eligibility().tree(asked_by="u").matches("t", SOMEWHERE)


def test_rules_stand_beside_the_deepest_filter_a_caller_may_send():
    tree = Equals("camera", ("c1",))
    for _ in range(7):
        tree = All((tree,))
    rules = Eligibility(tree, exclude_ids=("u",))
    assert rules.tree().matches("t", SOMEWHERE)
    assert not rules.tree().matches("u", SOMEWHERE)


@pytest.mark.parametrize("rule", ["exclude_same_camera", "topology"])
def test_a_rule_about_an_unknown_camera_is_refused(rule):
    rules = Eligibility(**{rule: True if rule == "exclude_same_camera" else TOPOLOGY})
    with pytest.raises(InvalidQuery) as refused:
        rules.tree()
    assert str(refused.value) == (
        f"expected the query's camera, for `{rule}`, received a query whose camera is not known; "
        f"send `camera`, or leave `{rule}` out"
    )


def test_a_topology_without_the_time_of_the_query_is_refused():
    with pytest.raises(InvalidQuery) as refused:
        Eligibility(topology=TOPOLOGY, query_camera="c0").tree()
    assert str(refused.value) == (
        "expected the query's start and end, for `topology`, received a query whose time is not "
        "known; send `query_start` and `query_end`, or leave `topology` out"
    )


@pytest.mark.parametrize("interval", [(2.0, 1.0), (float("nan"), 1.0)])
def test_a_query_that_ends_before_it_starts_is_refused(interval):
    with pytest.raises(InvalidQuery) as refused:
        Eligibility(query_interval_s=interval)
    assert str(refused.value) == (
        "expected a query whose `start` is not after its `end`, received start "
        f"{interval[0]} and end {interval[1]}; swap them, or leave out the one that is not known"
    )


def test_names_that_nothing_can_have_and_too_many_are_refused():
    with pytest.raises(InvalidIdentifier):
        Eligibility(exclude_ids=("a\0b",))
    with pytest.raises(InvalidIdentifier):
        Eligibility(query_camera="..")
    with pytest.raises(InvalidQuery, match="expected 1 to 1000 values for `tracklet_id`"):
        Eligibility(exclude_ids=("t",) * 1001)
