import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.batching.batch_size import items_to_take, padded_size

sizes = st.sets(st.integers(1, 64), min_size=1, max_size=8).map(lambda each: tuple(sorted(each)))


@given(sizes, st.integers(1, 300), st.integers(1, 4))
def test_no_batch_is_larger_than_the_largest_nor_than_what_waits(sizes, waiting, lanes):
    assert 1 <= items_to_take(waiting, lanes, sizes) <= min(waiting, sizes[-1])


@given(sizes, st.integers(1, 300), st.integers(1, 4))
def test_the_largest_is_filled_exactly_while_every_idle_lane_can_have_one(sizes, waiting, lanes):
    enough = waiting + sizes[-1] * lanes

    assert items_to_take(enough, lanes, sizes) == sizes[-1]


@given(sizes, st.integers(1, 300))
def test_no_more_rows_are_computed_than_by_padding_all(sizes, waiting):
    waiting = min(waiting, sizes[-1])
    taken = items_to_take(waiting, 1, sizes)
    rest = waiting - taken
    rows = padded_size(taken, sizes) + (padded_size(rest, sizes) if rest else 0)

    assert rows <= padded_size(waiting, sizes)


@pytest.mark.parametrize(
    ("waiting", "lanes", "sizes", "taken"),
    [
        (8, 2, (1, 2, 3, 4, 5, 6, 7, 8), 4),
        (9, 2, (1, 2, 3, 4, 5, 6, 7, 8), 5),
        (1, 2, (1, 2, 3, 4), 1),
        (9, 1, (8, 16), 9),  # 16 rows at once rather than twice 8
        (33, 1, (8, 16, 32, 64), 32),  # 32 and 8 rows rather than 64
        (5, 1, (1, 2, 4, 8), 4),
        (7, 1, (1, 2, 4, 8), 7),
        (3, 1, (8,), 3),
    ],
)
def test_lanes_share_and_batches_are_padded_where_that_computes_fewer_rows(
    waiting, lanes, sizes, taken
):
    assert items_to_take(waiting, lanes, sizes) == taken


@given(sizes)
def test_padding_goes_to_the_next_size(sizes):
    for items in range(1, sizes[-1] + 1):
        assert padded_size(items, sizes) == min(size for size in sizes if size >= items)
