import numpy as np
import pytest

from training.evaluation.histogram import frame_histogram, histogram_embeddings


def person(top, bottom):
    frame = np.zeros((60, 20, 3), dtype=np.uint8)
    frame[:30], frame[30:] = top, bottom
    return frame


def histogram_embedding(frames):
    return histogram_embeddings(np.mean([frame_histogram(one) for one in frames], axis=0)[None])[0]


RED, BLUE = (200, 30, 30), (30, 30, 200)


def test_it_has_length_one_and_ignores_the_number_of_frames():
    once = histogram_embedding(np.stack([person(RED, BLUE)]))
    assert np.linalg.norm(once) == pytest.approx(1)
    assert once.shape == (6 * (16 + 8 + 8),)
    np.testing.assert_allclose(histogram_embedding(np.stack([person(RED, BLUE)] * 3)), once)


def test_where_a_colour_is_worn_matters():
    worn = histogram_embedding(np.stack([person(RED, BLUE)]))
    swapped = histogram_embedding(np.stack([person(BLUE, RED)]))
    assert worn @ swapped < 0.9


def test_grey_has_no_hue_and_distributions_are_compared_by_their_roots():
    grey = np.full((12, 6, 3), 100, dtype=np.uint8)
    embedding = histogram_embedding(np.stack([grey])).reshape(6, -1)
    assert (embedding[:, :16] == 0).all()
    # One bin of saturation and one of value in each of six stripes, all alike.
    np.testing.assert_allclose(embedding[embedding > 0], (1 / 12) ** 0.5)
    half = grey.copy()
    half[:, :3] = 250
    split = histogram_embedding(np.stack([half])).reshape(6, -1)[:, 24:]
    whole = histogram_embedding(np.stack([grey])).reshape(6, -1)[:, 24:]
    assert (split * whole).sum() == pytest.approx(0.5**0.5 / 2)
