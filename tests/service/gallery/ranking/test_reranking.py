import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import InvalidQuery
from service.gallery.ranking.reranking import MOST_RERANKED, Reranking, reranked
from tests.ranked_rows import cosine, unit

numbers = st.builds(
    lambda k1, share, original: Reranking(
        k1=k1, k2=max(1, round(share * (k1 + 1))), original=original
    ),
    st.integers(1, 8),
    st.floats(0, 1),
    st.sampled_from([0.0, 0.3, 1.0]),
)


@st.composite
def rows(draw, *, most: int = 24):
    """A query and matches in order of similarity, as a search gives them."""
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    dimension = draw(st.sampled_from([2, 8, 64]))
    found = [unit(generator.normal(size=dimension)) for _ in range(draw(st.integers(2, most)))]
    if draw(st.booleans()):
        found += found[: len(found) // 2]
    query, *matches = found
    matches.sort(key=lambda match: -cosine(match, query))
    return query, np.stack(matches)


def by_the_paper(query, matches, given_: Reranking) -> list[float]:
    """Sets and loops, equation by equation; of equally near ones the earlier is nearer."""
    every = [query, *matches]
    n = range(len(every))
    similarity = [[cosine(one, other) for other in every] for one in every]
    distance = [[2 - 2 * similarity[i][j] for j in n] for i in n]
    distance = [[d / (max(row) or 1) for d in row] for row in distance]
    order = [sorted(n, key=lambda j: (-similarity[i][j], j)) for i in n]

    def reciprocal(i, k):
        return {j for j in order[i][: k + 1] if i in order[j][: k + 1]}

    codes = []
    for i in n:
        found = reciprocal(i, given_.k1)
        members = set(found) | {i}
        for j in found:
            theirs = reciprocal(j, round(given_.k1 / 2))
            if 3 * len(theirs & found) > 2 * len(theirs):
                members |= theirs
        total = sum(math.exp(-distance[i][j]) for j in members)
        codes.append([math.exp(-distance[i][j]) / total if j in members else 0 for j in n])
    mean = [
        [sum(codes[j][g] for j in order[i][: given_.k2]) / len(order[i][: given_.k2]) for g in n]
        for i in n
    ]
    values = []
    for i in n[1:]:
        smaller = sum(min(mean[0][g], mean[i][g]) for g in n)
        larger = sum(max(mean[0][g], mean[i][g]) for g in n)
        jaccard = 1 - smaller / larger
        values.append(1 - (1 - given_.original) * jaccard - given_.original * distance[0][i])
    return values


@given(rows(), numbers)
def test_it_is_what_the_paper_says(found, given_):
    query, matches = found
    assert reranked(query, matches, given_) == pytest.approx(
        by_the_paper(query, matches, given_), abs=1e-6
    )


def test_it_is_what_the_paper_says_of_as_many_as_are_allowed():
    generator = np.random.default_rng(5)
    query, *matches = (unit(generator.normal(size=16)) for _ in range(MOST_RERANKED + 1))
    matches.sort(key=lambda match: -cosine(match, query))
    given_ = Reranking(first=MOST_RERANKED)
    expected = by_the_paper(query, matches, given_)
    assert reranked(query, np.stack(matches), given_) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("copies", [12, 60])
def test_it_is_what_the_paper_says_where_more_rows_are_equal_than_are_neighbours(copies):
    """Then a row need not be among its own neighbours, and only the order found decides."""
    generator = np.random.default_rng(7)
    query, one, *others = (unit(generator.normal(size=64)) for _ in range(40))
    matches = sorted([*[one] * copies, *others], key=lambda match: -cosine(match, query))
    for given_ in (Reranking(k1=3, k2=2), Reranking(k1=8, k2=3)):
        expected = by_the_paper(query, matches, given_)
        assert reranked(query, np.stack(matches), given_) == pytest.approx(expected, abs=1e-6)


def test_it_is_what_the_paper_says_of_rows_that_only_roundings_tell_apart():
    """The same values in another order are as near to a query of equal values, but for the sums."""
    generator = np.random.default_rng(8)
    values = generator.normal(loc=1, size=64)
    matches = [unit(generator.permutation(values)) for _ in range(40)]
    for given_ in (Reranking(k1=4, k2=2), Reranking(k1=8, k2=3)):
        expected = by_the_paper(unit(np.ones(64)), matches, given_)
        found = reranked(unit(np.ones(64)), np.stack(matches), given_)
        assert found == pytest.approx(expected, abs=1e-6)


@given(rows(), numbers)
def test_every_value_lies_between_0_and_1(found, given_):
    values = reranked(*found, given_)
    assert np.all((values >= 0) & (values <= 1))


@given(rows())
def test_the_original_distance_alone_keeps_the_order(found):
    values = reranked(*found, Reranking(original=1.0))
    assert np.all(np.diff(values) <= 1e-12)


def at(degrees: float, *, aside: bool):
    """So many degrees from the query, one way or the other."""
    cosine_, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return unit([cosine_, 0, sine] if aside else [cosine_, sine, 0])


def test_a_neighbour_of_neighbours_overtakes_a_nearer_one_that_has_others():
    """The use of it: who is near to those that are near to the query, and to nobody else."""
    matches = [at(angle, aside=False) for angle in (5, 10, 15, 20)]
    stranger, neighbour = at(34, aside=True), at(35, aside=False)
    crowd = [at(angle, aside=True) for angle in (40, 45, 50, 55)]
    found = np.stack([*matches, stranger, neighbour, *crowd])
    values = reranked(unit([1, 0, 0]), found, Reranking(k1=4, k2=2))
    assert values[5] > values[4]


@pytest.mark.parametrize("given_", [Reranking(first=200), Reranking(first=200, k1=200, k2=201)])
def test_it_takes_less_than_32_mb_whatever_the_numbers(given_):
    generator = np.random.default_rng(6)
    query, *matches = (unit(generator.normal(size=1472)) for _ in range(MOST_RERANKED + 1))
    found = np.stack(matches)
    tracemalloc.start()
    try:
        reranked(query, found, given_)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 32 * 2**20


@pytest.mark.parametrize("first", [0, -1, 201])
def test_too_many_and_too_few_are_refused(first):
    with pytest.raises(InvalidQuery) as refused:
        Reranking(first=first)
    assert str(refused.value) == (
        f"expected 1 to 200 matches to re-rank, received {first}; "
        "re-rank fewer; the others follow in their own order"
    )


@pytest.mark.parametrize(
    "wrong", [(0, 1, 0.3), (201, 1, 0.3), (5, 0, 0.3), (5, 7, 0.3), (5, 5, -0.1), (5, 5, math.nan)]
)
def test_numbers_out_of_range_are_refused(wrong):
    k1, k2, original = wrong
    with pytest.raises(InvalidQuery) as refused:
        Reranking(k1=k1, k2=k2, original=original)
    assert str(refused.value) == (
        "expected k1 from 1 to 200, k2 from 1 to k1 + 1, and a weight of the original distance "
        f"from 0 to 1, received k1 {k1}, k2 {k2} and {original}; leave them out for 20, 6 and 0.3"
    )
