import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import InvalidIdentifier, InvalidQuery
from service.gallery.ranking.topology import MOST_TRANSITS, Sighting, Topology, Transit
from service.gallery.records import TrackletMetadata

CAMERAS = ["c0", "c1", "c2"]

seconds = st.integers(-4, 4).map(float)
bounds = st.tuples(st.integers(-2, 3), st.integers(0, 3) | st.just(math.inf)).map(
    lambda pair: (float(pair[0]), float(pair[0] + pair[1]))
)
pairs = st.tuples(st.sampled_from(CAMERAS), st.sampled_from(CAMERAS))
bounds_of_pairs = st.dictionaries(pairs, bounds, max_size=6)
unlisted = st.sampled_from(["possible", "impossible"])
spans = st.tuples(seconds, st.integers(0, 3)).map(lambda pair: (pair[0], pair[0] + pair[1]))
sightings = st.builds(lambda camera, span: Sighting(camera, *span), st.sampled_from(CAMERAS), spans)
candidates = st.builds(
    lambda camera, span: TrackletMetadata(camera=camera, start_s=span[0], end_s=span[1]),
    st.none() | st.sampled_from(CAMERAS),
    st.just((None, None)) | spans,
)


def topology_of(listed, policy) -> Topology:
    return Topology(tuple(Transit(*pair, *given_) for pair, given_ in listed.items()), policy)


def passes(listed, policy, query, candidate) -> bool:
    return topology_of(listed, policy).filter(query).matches("t", candidate)


def possible_by_hand(listed, policy, query, candidate) -> bool:
    """The rules of the module's first lines, one by one."""
    if candidate.camera is None:
        return True
    there, back = (query.camera, candidate.camera), (candidate.camera, query.camera)
    if there not in listed and back not in listed:
        return policy == "possible" or candidate.camera == query.camera
    if candidate.interval_s() is None:
        return True
    start, end = candidate.interval_s()
    otherwise = (0, math.inf) if policy == "possible" else (math.inf, -math.inf)
    least, most = listed.get(there, otherwise)
    follows = least <= start - query.end_s <= most
    least, most = listed.get(back, otherwise)
    return follows or least <= query.start_s - end <= most


@given(bounds_of_pairs, unlisted, sightings, candidates)
def test_the_filter_is_the_rule(listed, policy, query, candidate):
    expected = possible_by_hand(listed, policy, query, candidate)
    assert passes(listed, policy, query, candidate) == expected


@given(bounds_of_pairs, unlisted, sightings, candidates)
def test_time_backwards_with_transits_turned_round_is_the_same(listed, policy, query, candidate):
    turned = {(to, origin): given_ for (origin, to), given_ in listed.items()}
    earlier = Sighting(query.camera, -query.end_s, -query.start_s)
    interval = candidate.interval_s()
    start, end = (None, None) if interval is None else (-interval[1], -interval[0])
    mirrored = TrackletMetadata(camera=candidate.camera, start_s=start, end_s=end)
    straight = passes(listed, policy, query, candidate)
    assert passes(turned, policy, earlier, mirrored) == straight


@given(bounds_of_pairs, unlisted, sightings, sightings)
def test_query_and_candidate_may_change_places(listed, policy, one, other):
    def seen(sighting):
        return TrackletMetadata(
            camera=sighting.camera, start_s=sighting.start_s, end_s=sighting.end_s
        )

    assert passes(listed, policy, one, seen(other)) == passes(listed, policy, other, seen(one))


@given(bounds_of_pairs, unlisted, sightings, candidates, st.integers(0, 3), st.integers(0, 3))
def test_wider_bounds_never_remove(listed, policy, query, candidate, sooner, later):
    wider = {pair: (least - sooner, most + later) for pair, (least, most) in listed.items()}
    if passes(listed, policy, query, candidate):
        assert passes(wider, policy, query, candidate)


@given(bounds_of_pairs, sightings, candidates)
def test_unlisted_as_possible_never_removes(listed, query, candidate):
    if passes(listed, "impossible", query, candidate):
        assert passes(listed, "possible", query, candidate)


@pytest.mark.parametrize("count", [999, 1000, 1001, 2500])
def test_more_cameras_than_one_condition_holds(count):
    names = [f"k{number}" for number in range(count)]
    topology = Topology(tuple(Transit("q", name, 5, 10) for name in names), "impossible")
    tree = topology.filter(Sighting("q", 0, 0))
    for name in (names[0], names[-1]):
        assert tree.matches("t", TrackletMetadata(camera=name, start_s=7))
        assert not tree.matches("t", TrackletMetadata(camera=name, start_s=11))
        assert tree.matches("t", TrackletMetadata(camera=name))
    assert not tree.matches("t", TrackletMetadata(camera="elsewhere", start_s=7))


@pytest.mark.parametrize(
    "wrong", [(2, 1), (math.nan, 1), (0, math.nan), (-math.inf, 1), (math.inf,)]
)
def test_seconds_out_of_order_are_refused(wrong):
    with pytest.raises(InvalidQuery) as refused:
        Transit("a", "b", *wrong)
    most = wrong[1] if len(wrong) > 1 else math.inf
    assert str(refused.value) == (
        "expected a finite `least` of transit seconds, not above `most`, received least "
        f"{wrong[0]} and most {most}; swap them, or leave `most` out for any time later"
    )


@pytest.mark.parametrize("pair", [("", "b"), ("a", "b/c")])
def test_cameras_that_nothing_can_have_are_refused(pair):
    with pytest.raises(InvalidIdentifier):
        Transit(*pair)


def test_a_pair_listed_twice_is_refused_and_its_reverse_is_another():
    Topology((Transit("a", "b"), Transit("b", "a")))
    with pytest.raises(InvalidQuery) as refused:
        Topology((Transit("a", "b"), Transit("a", "b", 1, 2)))
    assert str(refused.value) == (
        "expected each ordered pair of cameras once, received 2 transits of 1 pairs; "
        "leave out the repeated ones"
    )


def test_too_many_transits_are_refused():
    transits = (Transit("a", "b"),) * (MOST_TRANSITS + 1)
    with pytest.raises(InvalidQuery) as refused:
        Topology(transits)
    assert str(refused.value) == (
        "expected at most 10000 transits, received 10001; send those of the query's camera only"
    )
