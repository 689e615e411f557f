import numpy as np
import pytest

from training.evaluation import sharpened_similarity
from training.evaluation.exact_similarity import exact_similarities
from training.evaluation.sharpened_similarity import float32_error, sharpened_similarities


def unit_rows(rng, rows, dimension, spread=1.0):
    drawn = rng.standard_normal(dimension) + spread * rng.standard_normal((rows, dimension))
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)


def orders(scores, near):
    """For every near row: what stands above it, level with it and below it."""
    return [np.sign(row[:, None] - row[rows]) for row, rows in zip(scores, near, strict=True)]


def crowded(seed, dimension):
    """Among 2,000 strangers, ten that differ from a right match in the last bits, and its twin."""
    rng = np.random.default_rng(seed)
    gallery, query = unit_rows(rng, 2000, dimension), unit_rows(rng, 9, dimension)
    gallery[50:60] = np.nextafter(gallery[7], np.float32(2) * gallery[50:60])
    gallery[1999] = gallery[7]
    return query, gallery, [np.array([7, 300 + row]) for row in range(9)]


@pytest.mark.parametrize("dimension", [8, 500, 1472])
def test_near_rows_stand_exactly_where_the_exact_product_puts_them(dimension):
    differs = False
    for seed in range(3):
        query, gallery, near = crowded(seed, dimension)
        expected = orders(exact_similarities(query, gallery), near)
        sharpened = orders(sharpened_similarities(query, gallery, near), near)
        assert all(
            np.array_equal(one, other) for one, other in zip(sharpened, expected, strict=True)
        )
        plain = orders((query @ gallery.T).astype(np.float64), near)
        differs |= any(not np.array_equal(a, b) for a, b in zip(plain, expected, strict=True))
    assert differs, "float32 alone would have done; the case is too easy"


def test_where_most_is_contested_everything_is_exact():
    """A collapsed model: all embeddings nearly alike."""
    rng = np.random.default_rng(1)
    gallery, query = unit_rows(rng, 200, 64, 1e-6), unit_rows(rng, 5, 64, 1e-6)
    near = [np.array([row]) for row in range(5)]
    assert np.array_equal(
        sharpened_similarities(query, gallery, near), exact_similarities(query, gallery)
    )


def test_few_contested_rows_need_no_second_product(monkeypatch):
    """Only gathered rows are computed again, never the gallery as a whole."""
    largest = []

    def watched(query, gallery):
        largest.append(len(gallery))
        return exact_similarities(query, gallery)

    monkeypatch.setattr(sharpened_similarity, "exact_similarities", watched)
    query, gallery, near = crowded(0, 64)
    sharpened_similarities(query, gallery, near)
    assert max(largest) < 50


@pytest.mark.parametrize("dimension", [4, 64, 1472])
def test_the_bound_holds(dimension):
    rng = np.random.default_rng(2)
    query, gallery = np.abs(unit_rows(rng, 20, dimension)), np.abs(unit_rows(rng, 300, dimension))
    error = np.abs((query @ gallery.T).astype(np.float64) - exact_similarities(query, gallery))
    assert error.max() < float32_error(dimension)
