import numpy as np
import pytest

from training.evaluation import exact_similarity
from training.evaluation.exact_similarity import (
    exact_similarities,
    nearest_rows,
    similarity_rows,
)


def unit_rows(seed, rows, dimension):
    drawn = np.random.default_rng(seed).standard_normal((rows, dimension))
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)


def test_it_is_the_cosine():
    query, gallery = unit_rows(0, 5, 300), unit_rows(1, 9, 300)
    expected = query.astype(np.float64) @ gallery.astype(np.float64).T
    np.testing.assert_allclose(exact_similarities(query, gallery), expected, atol=2e-8)


@pytest.mark.parametrize("dimension", [7, 129, 1472])
def test_no_batch_block_or_order_of_summation_changes_a_digit(monkeypatch, dimension):
    query, gallery = unit_rows(2, 13, dimension), unit_rows(3, 50, dimension)
    whole = exact_similarities(query, gallery)
    singles = [exact_similarities(query[[q]], gallery[[g]]) for q in range(13) for g in range(50)]
    assert np.array_equal(np.ravel(singles), whole.ravel())
    order = np.random.default_rng(4).permutation(dimension)
    assert np.array_equal(exact_similarities(query[:, order], gallery[:, order]), whole)
    monkeypatch.setattr(exact_similarity, "GALLERY_BLOCK", 11)
    assert np.array_equal(exact_similarities(query, gallery), whole)


def test_equal_embeddings_tie_wherever_they_stand():
    gallery = unit_rows(5, 40, 333)
    gallery[[3, 17, 39]] = gallery[3]
    scores = exact_similarities(unit_rows(6, 1, 333), gallery)[0]
    assert scores[3] == scores[17] == scores[39]


@pytest.mark.parametrize("chunk", [1, 3, 100])
def test_rows_come_one_by_one_in_order(chunk):
    query, gallery = unit_rows(7, 8, 20), unit_rows(8, 6, 20)
    rows = list(similarity_rows(query, gallery, chunk_queries=chunk))
    assert np.array_equal(rows, exact_similarities(query, gallery))


@pytest.mark.parametrize("count", [0, 1, 4, 11, 12, 50])
def test_the_nearest_rows_are_the_first_of_a_stable_sort(count):
    for seed in range(20):
        scores = np.random.default_rng(seed).integers(0, 4, 12) / 4
        expected = np.argsort(-scores, kind="stable")[:count]
        assert nearest_rows(scores, count).tolist() == expected.tolist()
