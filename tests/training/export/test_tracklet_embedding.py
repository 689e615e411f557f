import numpy as np
import pytest
import torch

from model.features import embedding
from model.manifest import EmbeddingPart
from training.export.tracklet_embedding import (
    least_part_cosines,
    split_parts,
    tracklet_embeddings,
)

PARTS = (EmbeddingPart(name="a", dimension=5), EmbeddingPart(name="b", dimension=2))
ROWS = np.random.default_rng(0).normal(size=(3, 4, 7)).astype(np.float32)


def test_it_is_the_networks_own_way_to_the_embedding():
    means = torch.from_numpy(ROWS.mean(axis=1))
    expected = embedding({"a": means[:, :5], "b": means[:, 5:]}).numpy()
    received = tracklet_embeddings(ROWS, PARTS)
    assert received.dtype == np.float32
    np.testing.assert_allclose(received, expected, atol=1e-6)


def test_embeddings_of_embeddings_are_the_same():
    once = tracklet_embeddings(ROWS, PARTS)
    np.testing.assert_allclose(tracklet_embeddings(once[:, None], PARTS), once, atol=1e-6)


def test_each_part_is_compared_by_itself():
    other = ROWS[:, 0].copy()
    other[1, 5:] *= -2
    assert least_part_cosines(ROWS[:, 0], other, PARTS) == pytest.approx([1, -1, 1])


def test_a_part_without_length_is_like_nothing():
    other = ROWS[:, 0].copy()
    other[2, :5] = 0
    assert least_part_cosines(ROWS[:, 0], other, PARTS) == pytest.approx([1, 1, 0])


def test_parts_are_columns_in_their_order():
    first, second = split_parts(ROWS[:, 0], PARTS)
    assert np.array_equal(np.hstack([first, second]), ROWS[:, 0].astype(np.float64))
    assert (first.shape, second.shape) == ((3, 5), (3, 2))
