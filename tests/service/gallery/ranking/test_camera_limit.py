import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.gallery.filter_tree import EVERYTHING, Not
from service.gallery.ranking.camera_limit import nearest_per_camera
from service.gallery.ranking.search import SearchOptions
from service.gallery.records import TrackletMetadata
from tests.ranked_rows import (
    NOW_S,
    embeddings,
    index_of,
    matches_by_hand,
    rows_by_id,
    unit,
    view_of,
)


@given(rows_by_id, embeddings, st.integers(1, 9), st.integers(1, 3))
def test_each_camera_gives_its_nearest(rows, query, k, most):
    hits = nearest_per_camera(view_of(rows), query, EVERYTHING, now_s=NOW_S, k=k, most=most)
    expected = matches_by_hand(rows, query, SearchOptions(max_per_camera=most), EVERYTHING)
    assert [(hit.tracklet_id, hit.similarity, 1) for hit in hits] == expected[:k]


class Scans:
    """A view that counts how many rows it was asked for."""

    def __init__(self, view) -> None:
        self._view = view
        self.asked: list[int] = []
        self.select = view.select

    def nearest(self, queries, selection, k):
        self.asked.append(k)
        return self._view.nearest(queries, selection, k)


@pytest.mark.parametrize(("most", "scans"), [(1, 3), (2, 3), (3, 3), (40, 1)])
def test_a_crowded_camera_is_left_out_instead_of_asking_for_more_rows(most, scans):
    rows = {
        f"t{number:03}": (
            unit([1, number / 1000]),
            TrackletMetadata(camera="c0" if number < 50 else f"c{number}"),
        )
        for number in range(100)
    }
    view = Scans(index_of(rows, dimension=2).view)
    hits = nearest_per_camera(view, unit([1, 0]), EVERYTHING, now_s=NOW_S, k=30, most=most)
    assert [hit.metadata.camera for hit in hits].count("c0") == min(most, 30)
    assert len(hits) == 30
    assert set(view.asked) == {30}
    assert len(view.asked) <= scans


def test_nothing_eligible_is_no_hit():
    assert (
        nearest_per_camera(
            view_of({"t1": (unit([1, 0, 0, 0]), TrackletMetadata())}),
            unit([1, 0, 0, 0]),
            Not(EVERYTHING),
            now_s=NOW_S,
            k=3,
            most=1,
        )
        == []
    )
