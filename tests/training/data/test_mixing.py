"""Laws of mixing: nobody is two people, no camera two cameras, and order does not matter."""

from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.data.mixing import mix_tracklets
from training.data.tracklet import Tracklet


def tracklet(name, identity=1, camera=1):
    return Tracklet(name, identity, camera, (Path(f"{name}.jpg"),), outfit="red", start_s=2.0)


SOURCES = {
    "mars": [tracklet("b", 7, 2), tracklet("a", 3, 6)],
    "own": [tracklet("a", 3, None), tracklet("c", 7, 2)],
    "drawn": [tracklet("a", 3, 1)],
}


def test_equal_numbers_of_two_sets_are_different_people_and_cameras():
    mixed = {t.name: t for t in mix_tracklets(SOURCES)}
    assert [(name, t.identity, t.camera) for name, t in mixed.items()] == [
        ("drawn/a", 1, 1),
        ("mars/a", 2, 3),
        ("mars/b", 3, 2),
        ("own/a", 4, None),
        ("own/c", 5, 4),
    ]


def test_what_else_a_tracklet_says_is_kept():
    (mixed,) = mix_tracklets({"own": [tracklet("a", 9, 9)]})
    assert (mixed.frames, mixed.outfit, mixed.start_s) == ((Path("a.jpg"),), "red", 2.0)


def test_the_order_of_sources_and_of_tracklets_does_not_matter():
    expected = mix_tracklets(SOURCES)
    for order in permutations(SOURCES):
        assert mix_tracklets({name: SOURCES[name][::-1] for name in order}) == expected


def test_junk_and_distractors_are_not_learned_from():
    mixed = mix_tracklets({"m": [tracklet("j", -1, 5), tracklet("d", 0, 6), tracklet("p", 4, 7)]})
    assert [(t.name, t.identity, t.camera) for t in mixed] == [("m/p", 1, 1)]


def test_two_roots_of_one_set_are_two_names():
    mixed = mix_tracklets({"mars-day": SOURCES["mars"], "mars-night": SOURCES["mars"]})
    assert len({t.name for t in mixed}) == len({t.identity for t in mixed}) == 4


numbers = st.tuples(st.integers(-1, 5), st.none() | st.integers(-2, 3))
sources = st.dictionaries(st.sampled_from("abcd"), st.lists(numbers, min_size=1), min_size=1)


@given(sources)
def test_people_and_cameras_stay_apart_and_together(drawn):
    """Two tracklets agree after mixing exactly where they agreed before, in one source."""
    named = {
        name: [tracklet("0"), *(tracklet(str(i), *row) for i, row in enumerate(rows, start=1))]
        for name, rows in drawn.items()
    }
    before = {f"{name}/{t.name}": (name, t) for name, ts in named.items() for t in ts}
    mixed = mix_tracklets(named)
    assert {t.name for t in mixed} == {n for n, (_, t) in before.items() if t.identity > 0}
    for one in mixed:
        for other in mixed:
            (source, old), (other_source, other_old) = before[one.name], before[other.name]
            same = source == other_source
            assert (one.identity == other.identity) == (same and old.identity == other_old.identity)
            if old.camera is not None and other_old.camera is not None:
                assert (one.camera == other.camera) == (same and old.camera == other_old.camera)
            else:
                assert (one.camera is None) == (old.camera is None)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({}, "expected at least one data set to mix, received none; name one"),
        ({"a/b": [tracklet("x")]}, "without a slash, received 'a/b'; rename it"),
        ({"": [tracklet("x")]}, "without a slash, received ''; rename it"),
        ({"a": [tracklet("x", 0)]}, "in 'a', received 1 tracklets that are all junk .* leave"),
        ({"a": [tracklet("x"), tracklet("x")]}, "received 'x' twice; give two roots two names"),
    ],
)
def test_what_cannot_be_mixed_is_refused(broken, message):
    with pytest.raises(ValueError, match=message):
        mix_tracklets(broken)
