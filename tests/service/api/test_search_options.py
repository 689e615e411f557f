import math

import pytest

from service.api.schemas import SearchOptionsBody
from service.api.search_options import search_options
from service.errors import InvalidIdentifier, InvalidQuery
from service.gallery.filter_tree import EVERYTHING, Equals, Exists, Joined, Overlaps
from service.gallery.ranking.reranking import Reranking
from service.gallery.ranking.topology import Topology, Transit
from service.settings import Settings


def options(**body):
    return search_options(SearchOptionsBody.model_validate(body), Settings(max_top_k=50))


def test_nothing_asked_is_the_default():
    assert options() == options(top_k=10, group_mode="max", m=3, rerank=False, mode="auto")
    assert options().filter is EVERYTHING
    assert (options().rerank, options().topology, options().query_interval_s) == (None, None, None)


def test_old_and_new_conditions_hold_together():
    asked = options(
        cameras=["c1", "c2"], start=1, end=2, filter={"exists": {"field": "identity"}}
    ).filter
    assert asked == Joined((Equals("camera", ("c1", "c2")), Overlaps(1.0, 2.0), Exists("identity")))
    assert options(end=2).filter == Joined((Overlaps(-math.inf, 2.0),))


def test_every_option_reaches_the_ranking():
    asked = options(
        top_k=7,
        group_by="identity",
        group_mode="top-m",
        m=4,
        exclude_same_camera=True,
        exclude_ids=["a", "b"],
        camera="c1",
        query_start=5,
        min_similarity=0.5,
        rerank={"first": 50, "k1": 10, "k2": 3, "original": 0.5},
        topology={
            "transits": [
                {"from_camera": "c1", "to_camera": "c2", "least_s": 5, "most_s": 60},
                {"from_camera": "c2", "to_camera": "c1"},
            ],
            "unlisted": "impossible",
        },
        mode="exact",
    )
    assert (asked.top_k, asked.group_by, asked.group_mode, asked.group_top_m) == (
        7,
        "identity",
        "top-m",
        4,
    )
    assert (asked.exclude_same_camera, asked.exclude_ids) == (True, ("a", "b"))
    assert (asked.query_camera, asked.query_interval_s) == ("c1", (5.0, 5.0))
    assert (asked.min_similarity, asked.mode) == (0.5, "exact")
    assert asked.rerank == Reranking(50, 10, 3, 0.5)
    assert asked.topology == Topology(
        (Transit("c1", "c2", 5.0, 60.0), Transit("c2", "c1")), "impossible"
    )
    assert options(max_per_camera=2).max_per_camera == 2


def test_the_time_of_the_query_may_have_one_end_or_two():
    assert options(query_end=5).query_interval_s == (5.0, 5.0)
    assert options(query_start=3, query_end=5).query_interval_s == (3.0, 5.0)


def test_true_means_the_numbers_of_the_paper():
    assert options(rerank=True).rerank == Reranking()


@pytest.mark.parametrize(
    ("body", "error", "message"),
    [
        ({"top_k": 51}, InvalidQuery, "`top_k` of at most 50, received 51"),
        ({"top_k": 10**9}, InvalidQuery, "received 1000000000"),
        ({"start": 2, "end": 1}, InvalidQuery, "`start` is not after its `end`"),
        ({"query_start": 2, "query_end": 1}, InvalidQuery, "a query whose `start`"),
        ({"cameras": ["a/b"]}, InvalidIdentifier, "a camera of"),
        ({"camera": "a\0"}, InvalidIdentifier, "a camera of"),
        ({"exclude_ids": ["a/b"]}, InvalidIdentifier, "a tracklet id of"),
        ({"filter": {"equals": {"field": "seq", "value": 1}}}, InvalidQuery, "'seq'"),
        ({"rerank": {"first": 201}}, InvalidQuery, "1 to 200 matches to re-rank"),
        (
            {"group_by": "identity", "group_mode": "top-m", "m": 101},
            InvalidQuery,
            "1 to 100 most similar",
        ),
        (
            {"group_by": "identity", "max_per_camera": 1},
            InvalidQuery,
            "`max_per_camera` with `group_by` tracklet",
        ),
        (
            {
                "topology": {
                    "transits": [{"from_camera": "a", "to_camera": "b", "least_s": 2, "most_s": 1}]
                }
            },
            InvalidQuery,
            "a finite `least` of transit seconds",
        ),
    ],
)
def test_what_cannot_be_ranked_is_refused(body, error, message):
    with pytest.raises(error, match=message):
        options(**body)
