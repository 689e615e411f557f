import numpy as np
import pytest

from tests.embedding_tables import drawn_table, row, table
from training.evaluation.ranking_rules import RankingRules
from training.visualize.precision_recall import interpolated_precision, mean_precision_at_recall


def brute_force(ranks):
    points = [(found / len(ranks), found / rank) for found, rank in enumerate(ranks, start=1)]
    levels = [level / 100 for level in range(101)]
    return [max(p for recall, p in points if recall >= level - 1e-9) for level in levels]


def brute_force_ranks(query, gallery, asked):
    order = sorted(
        range(len(gallery)), key=lambda place: (-float(gallery.embeddings[place] @ asked), place)
    )
    identity, camera, name = query
    counted = [
        place
        for place in order
        if gallery.identities[place] != -1
        and gallery.names[place] != name
        and not (gallery.identities[place] == identity and gallery.cameras[place] == camera)
    ]
    return [rank for rank, place in enumerate(counted, 1) if gallery.identities[place] == identity]


@pytest.mark.parametrize("seed", range(8))
def test_one_query_equals_the_definition(seed):
    rng = np.random.default_rng(seed)
    ranks = np.sort(rng.choice(np.arange(1, 60), rng.integers(1, 30), replace=False))
    np.testing.assert_allclose(interpolated_precision(ranks), brute_force(ranks))


def test_a_perfect_ranking_is_precise_everywhere():
    assert (interpolated_precision(np.arange(1, 8)) == 1).all()


def test_precision_never_rises_with_recall():
    assert (np.diff(interpolated_precision(np.array([2, 3, 9, 40]))) <= 0).all()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("chunk", [1, 128])
def test_the_mean_over_queries_equals_the_definition(seed, chunk):
    query = drawn_table(seed, 12, prefix="q")
    gallery = drawn_table(seed + 100, 40, prefix="g")
    curves = []
    for place in range(len(query)):
        asked = (query.identities[place], query.cameras[place], query.names[place])
        ranks = brute_force_ranks(asked, gallery, query.embeddings[place])
        if ranks and query.identities[place] > 0:
            curves.append(brute_force(ranks))
    mean = mean_precision_at_recall(query, gallery, RankingRules(chunk_queries=chunk))
    np.testing.assert_allclose(mean, np.mean(curves, axis=0))


def test_no_valid_query_is_refused():
    with pytest.raises(ValueError, match="received none of 1; evaluate the retrieval first"):
        mean_precision_at_recall(
            table(row("q", 1, 1, 1.0)), table(row("g", 2, 1, 1.0)), RankingRules()
        )
