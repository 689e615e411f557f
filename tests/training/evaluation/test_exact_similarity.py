import numpy as np
import pytest

from training.evaluation import exact_similarity
from training.evaluation.exact_similarity import exact_similarities


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
