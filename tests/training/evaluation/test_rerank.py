import numpy as np
import pytest

from tests.embedding_tables import people_table
from training.evaluation.ranking import evaluate_retrieval
from training.evaluation.ranking_rules import RankingRules
from training.evaluation.rerank import Reciprocal, estimated_bytes, k_reciprocal


def dense_reference(embeddings, k1, k2, original_weight):
    """The method as published, with full matrices."""
    e = embeddings.astype(np.float64)
    original = 2 - 2 * e @ e.T
    original /= original.max(axis=1, keepdims=True)
    rank, n = np.argsort(original, axis=1, kind="stable"), len(e)

    def reciprocal(i, k):
        forward = rank[i, : k + 1]
        return forward[[i in rank[j, : k + 1] for j in forward]]

    codes = np.zeros((n, n))
    for i in range(n):
        members = set(reciprocal(i, k1))
        for j in reciprocal(i, k1):
            theirs = set(reciprocal(j, round(k1 / 2)))
            if len(theirs & set(reciprocal(i, k1))) > 2 / 3 * len(theirs):
                members |= theirs
        members = sorted(members)
        codes[i, members] = np.exp(-original[i, members])
        codes[i] /= codes[i].sum()
    codes = np.stack([codes[rank[i, :k2]].mean(axis=0) for i in range(n)])
    overlap = np.array([[np.minimum(a, b).sum() for b in codes] for a in codes])
    return (1 - original_weight) * (1 - overlap / (2 - overlap)) + original_weight * original


@pytest.mark.parametrize(("k1", "k2", "original"), [(20, 6, 0.3), (5, 1, 0.0), (4, 3, 0.7)])
def test_sparse_distances_equal_the_dense_method(k1, k2, original):
    people = people_table(1, identities=12, tracklets=5, spread=1.2)
    query, gallery = people.take(np.arange(0, 60, 4)), people.take(np.arange(1, 60))
    score = k_reciprocal(Reciprocal(k1, k2, original))(query, gallery)
    order = np.concatenate([np.arange(0, 60, 4), np.setdiff1d(np.arange(1, 60), range(0, 60, 4))])
    dense = dense_reference(people.embeddings[order], k1, k2, original)
    place = {row: at for at, row in enumerate(order)}
    expected = dense[:15][:, [place[row] for row in range(1, 60)]]
    np.testing.assert_allclose(-score(slice(0, 15), []), expected, atol=1e-6)
    np.testing.assert_allclose(-score(slice(7, 9), []), expected[7:9], atol=1e-6)


def test_with_the_whole_weight_on_the_original_distance_nothing_changes():
    people = people_table(2, identities=10, tracklets=5, spread=1.5)
    plain = evaluate_retrieval(people, people)
    same = evaluate_retrieval(people, people, scorer=k_reciprocal(Reciprocal(original=1.0)))
    assert same.average_precisions.tolist() == plain.average_precisions.tolist()


def test_it_helps_where_people_form_groups_and_keeps_to_the_rules():
    people = people_table(3, identities=30, tracklets=8, spread=0.8)
    rules = RankingRules(average_precision="mars", chunk_queries=7)
    plain = evaluate_retrieval(people, people, rules)
    better = evaluate_retrieval(people, people, rules, scorer=k_reciprocal())
    assert better.mean_average_precision > plain.mean_average_precision
    assert better.names.tolist() == plain.names.tolist()
    assert better.positives.tolist() == plain.positives.tolist()


def test_memory_is_told_before_it_is_used_and_grows_with_the_tracklets_only():
    told = []
    people = people_table(4, identities=5, tracklets=4)
    k_reciprocal(announce=told.append)(people, people)
    assert told == ["re-ranking 20 tracklets takes about 0 MB"]
    assert estimated_bytes(20_000, Reciprocal()) == 2 * estimated_bytes(10_000, Reciprocal())


@pytest.mark.parametrize("numbers", [(0, 1, 0.3), (20, 0, 0.3), (20, 22, 0.3), (20, 6, 1.1)])
def test_numbers_out_of_range_are_refused(numbers):
    with pytest.raises(ValueError, match="expected k1 of 1 or more, k2 from 1 to k1"):
        Reciprocal(*numbers)
