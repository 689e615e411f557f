import pytest

from service.gallery.flat_index import Hit
from service.gallery.grouping import best_hits
from service.gallery.records import TrackletMetadata


def hit(tracklet_id: str, similarity: float, identity: str | None = None) -> Hit:
    return Hit(tracklet_id, TrackletMetadata(identity), similarity)


HITS = [
    hit("a", 0.9, "p"),
    hit("b", 0.9, "p"),
    hit("c", 0.8, "q"),
    hit("d", 0.7),
    hit("e", 0.7, "p"),
    hit("f", 0.5),
    hit("g", 0.5, "d"),
]


class Nearest:
    """The first k of `HITS`, remembering what was asked."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def __call__(self, k: int) -> list[Hit]:
        self.asked.append(k)
        return HITS[:k]


def ids(nearest, **asked) -> str:
    asked = {"top_k": 10, "group_by": "tracklet", "min_similarity": None} | asked
    return "".join(found.tracklet_id for found in best_hits(nearest, **asked))


def test_tracklets_come_in_order_in_one_step():
    nearest = Nearest()
    assert ids(nearest, top_k=3) == "abc"
    assert nearest.asked == [3]


def test_an_identity_comes_once_by_its_best_and_one_unknown_stands_for_itself():
    assert ids(Nearest(), group_by="identity") == "acdfg"


@pytest.mark.parametrize("top_k", range(1, 8))
def test_it_widens_until_there_are_enough_identities_or_no_more_rows(top_k):
    assert ids(Nearest(), group_by="identity", top_k=top_k) == "acdfg"[:top_k]


def test_an_identity_named_like_a_tracklet_is_another_group():
    assert ids(Nearest(), group_by="identity").count("d") == 1
    assert ids(Nearest(), group_by="identity").endswith("g")


@pytest.mark.parametrize("group_by", ["tracklet", "identity"])
def test_the_least_similarity_is_itself_included(group_by):
    at = {0.9: ("ab", "a"), 0.8: ("abc", "ac"), 0.7: ("abcde", "acd"), 0.95: ("", "")}
    for least, expected in at.items():
        found = ids(Nearest(), group_by=group_by, min_similarity=least)
        assert found == expected[group_by == "identity"]


def test_it_stops_to_widen_below_the_least_similarity():
    nearest = Nearest()
    assert ids(nearest, group_by="identity", top_k=3, min_similarity=0.85) == "a"
    assert nearest.asked == [3]
