import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.errors import InvalidQuery
from service.gallery.filter_tree import EVERYTHING
from service.gallery.index.view import View
from service.gallery.ranking.grouping import Grouping, averaged, best_groups
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

groupings = st.builds(Grouping, st.sampled_from(["max", "mean", "top-m"]), st.integers(1, 4))


class CoarseView(View):
    """A view whose coarse similarities are as wrong as it says they may be."""

    error = 0.0
    asked = 0

    @property
    def coarse_error(self) -> float:
        return self.error

    def coarse(self, query, selection):
        noise = np.random.default_rng(3).uniform(-1, 1, selection.count).astype(np.float32)
        return self.exact(query, selection.rows()) + np.float32(0.99 * self.error) * noise

    def exact(self, query, rows):
        object.__setattr__(self, "asked", len(rows))
        return super().exact(query, rows)


def coarse_view(view: View, error: float) -> CoarseView:
    held = [getattr(view, name) for name in View.__dataclass_fields__]
    coarse = CoarseView(*held)
    object.__setattr__(coarse, "error", error)
    return coarse


def found_in(view, query, grouping, k):
    selection = view.select(EVERYTHING, now_s=NOW_S)
    groups = best_groups(view, query, selection, grouping=grouping, k=k)
    return [(group.best.tracklet_id, group.similarity, group.tracklets) for group in groups]


def by_hand(rows, query, grouping, k):
    asked = SearchOptions(
        group_by="identity", group_mode=grouping.mode, group_top_m=grouping.m, top_k=k
    )
    return matches_by_hand(rows, query, asked, EVERYTHING)[:k]


@settings(max_examples=200)
@given(rows_by_id, embeddings, groupings, st.integers(1, 12), st.sampled_from([1e-6, 0.01, 0.3, 2]))
def test_groups_are_exact_whatever_the_coarse_error(rows, query, grouping, k, error):
    view = coarse_view(view_of(rows), error)
    assert found_in(view, query, grouping, k) == by_hand(rows, query, grouping, k)


CROWD = {
    f"t{number:03}": (
        unit(np.random.default_rng(number).normal(size=8)),
        TrackletMetadata(identity=f"p{number % 100:02}" if number % 7 else None),
    )
    for number in range(800)
}


@pytest.mark.parametrize("grouping", [Grouping("max"), Grouping("mean"), Grouping("top-m", 3)])
def test_groups_that_cannot_be_among_the_first_are_not_compared_again(grouping):
    view = coarse_view(index_of(CROWD, dimension=8, segment_rows=(256,)).view, 0.001)
    query = unit(np.random.default_rng(1000).normal(size=8))
    assert found_in(view, query, grouping, 5) == by_hand(CROWD, query, grouping, 5)
    assert view.asked <= 60


@pytest.mark.parametrize("error", [0.02, 0.1, 0.3])
@pytest.mark.parametrize("k", [1, 3])
def test_the_first_look_at_averages_leaves_out_nobody_who_may_be_among_the_first(k, error):
    """With 214 groups some are not sorted: those whose maximum is too small for the average."""
    view = coarse_view(index_of(CROWD, dimension=8, segment_rows=(256,)).view, error)
    grouping = Grouping("top-m", 2)
    for seed in range(2000, 2012):
        query = unit(np.random.default_rng(seed).normal(size=8))
        assert found_in(view, query, grouping, k) == by_hand(CROWD, query, grouping, k)


def test_a_group_is_named_by_its_most_similar_tracklet_with_the_smallest_id():
    one, other = unit([1, 0, 0, 0]), unit([0, 1, 0, 0])
    person = TrackletMetadata(identity="p")
    rows = {"t2": (one, person), "t1": (one, person), "t0": (other, person)}
    for mode, similarity in (("max", 1.0), ("mean", 2 / 3), ("top-m", 1.0)):
        found = found_in(view_of(rows), one, Grouping(mode, 2), 5)
        assert found == [("t1", pytest.approx(similarity, abs=1e-7), 3)]


def test_who_has_no_identity_is_a_group_even_where_an_identity_has_its_name():
    one = unit([1, 0, 0, 0])
    rows = {"t3": (one, TrackletMetadata()), "t1": (one, TrackletMetadata(identity="t3"))}
    found = found_in(view_of(rows), one, Grouping(), 5)
    assert found == [("t1", 1.0, 1), ("t3", 1.0, 1)]


@given(st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=9), st.randoms())
def test_the_order_of_rows_does_not_change_a_mean(values, shuffler):
    shuffled = values[:]
    shuffler.shuffle(shuffled)
    as_arrays = [np.array(each, np.float32) for each in (values, shuffled)]
    means = {averaged(each, Grouping("mean")) for each in as_arrays}
    assert len(means) == 1


@given(rows_by_id, embeddings, st.integers(1, 12))
def test_an_average_of_one_is_the_maximum_and_one_of_all_is_the_mean(rows, query, k):
    view = view_of(rows)
    assert found_in(view, query, Grouping("top-m", 1), k) == found_in(view, query, Grouping(), k)
    every = found_in(view, query, Grouping("top-m", 100), k)
    assert every == found_in(view, query, Grouping("mean"), k)


@pytest.mark.parametrize("m", [0, -1, 101])
def test_an_average_of_none_or_too_many_is_refused(m):
    with pytest.raises(InvalidQuery) as refused:
        Grouping("top-m", m)
    assert str(refused.value) == (
        f"expected an average of the 1 to 100 most similar tracklets, received {m}; "
        "correct it, or group by the mean of all"
    )
