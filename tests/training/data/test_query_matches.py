"""Who has a right answer, by the rules of the ranking itself."""

import os
from pathlib import Path

import pytest

from training.data.data_set import Split
from training.data.mars_lists import read_mars_lists
from training.data.query_matches import match_queries
from training.data.tracklet import Tracklet
from training.evaluation.matching import NOT_IN_GALLERY, OWN_CAMERA_ONLY, OWN_OUTFIT_ONLY

ROOT = Path(__file__).parents[3]
PROTOCOLS = Path(os.environ.get("RESEARCH_DATA", ROOT.parent / "shared" / "data")) / "protocols"
FRAMES = (Path("a.jpg"),)


def tracklet(name, identity, camera, outfit=None):
    return Tracklet(name, identity, camera, FRAMES, outfit=outfit)


def split(query, gallery, **options):
    return Split("official", train=(), query=tuple(query), gallery=tuple(gallery), **options)


def test_reasons_are_counted_with_the_first_names():
    query = [tracklet(f"q{n}", n, 1) for n in range(1, 9)]
    gallery = [tracklet("g1", 1, 2), tracklet("g2", 2, 1), tracklet("junk", -1, 2)]
    (matches,) = match_queries(split(query, gallery))
    assert (matches.gallery, matches.searched, matches.queries) == ("as given", 2, 8)
    assert matches.matched == 1
    assert [(each.reason, each.queries, each.first) for each in matches.unmatched] == [
        (OWN_CAMERA_ONLY, 1, ("q2",)),
        (NOT_IN_GALLERY, 6, ("q3", "q4", "q5", "q6", "q7")),
    ]


def test_queries_that_are_searched_too_are_counted_with_and_without():
    """Two people who are asked about from both cameras find each other's query, and no one else."""
    query = [tracklet("a1", 1, 1), tracklet("a2", 1, 2), tracklet("b1", 2, 1)]
    gallery = [*query, tracklet("b2", 2, 2)]
    with_queries, without = match_queries(split(query, gallery))
    assert (with_queries.gallery, with_queries.searched, with_queries.matched) == (
        "with queries", 4, 3,
    )  # fmt: skip
    assert (without.gallery, without.searched, without.matched) == ("without queries", 1, 1)
    assert without.unmatched[0].first == ("a1", "a2")


def test_a_gallery_of_queries_alone_has_nothing_without_them():
    query = [tracklet("a1", 1, 1), tracklet("a2", 1, 2)]
    (matches,) = match_queries(split(query, query))
    assert (matches.gallery, matches.matched) == ("with queries", 2)


def test_an_unknown_camera_is_nobody_s_own():
    (matches,) = match_queries(split([tracklet("q", 1, None)], [tracklet("g", 1, None)]))
    assert matches.matched == 1


def test_outfits_count_where_the_protocol_says_so():
    pair = [tracklet("q", 1, 1, "coat")], [tracklet("g", 1, 2, "coat")]
    assert match_queries(split(*pair))[0].matched == 1
    (matches,) = match_queries(split(*pair, excludes_same_outfit=True))
    assert [each.reason for each in matches.unmatched] == [OWN_OUTFIT_ONLY]


def test_without_queries_there_is_nothing_to_match():
    assert match_queries(split([], [tracklet("g", 1, 2)])) == ()
    assert match_queries(split([tracklet("q", 1, 2)], [])) == ()


def test_a_name_that_comes_twice_is_refused():
    with pytest.raises(ValueError, match="every name once, received .*'g'"):
        match_queries(split([tracklet("q", 1, 1)], [tracklet("g", 1, 2), tracklet("g", 1, 3)]))


@pytest.mark.research_data
@pytest.mark.skipif(not PROTOCOLS.is_dir(), reason=f"{PROTOCOLS} is absent")
def test_on_the_official_lists_140_queries_need_the_queries_in_the_gallery():
    lists = read_mars_lists(PROTOCOLS)
    test = [tracklet(row.name, row.identity, row.camera) for row in lists.test]
    with_queries, without = match_queries(split([test[row] for row in lists.query_rows], test))
    assert (with_queries.queries, with_queries.matched, with_queries.searched) == (
        1980, 1980, 11_310,
    )  # fmt: skip
    assert (without.matched, without.searched) == (1840, 9330)
    assert sum(each.queries for each in without.unmatched) == 140
