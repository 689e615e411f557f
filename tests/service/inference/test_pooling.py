import numpy as np
import pytest

from model.manifest import EmbeddingPart, OutputTensor
from service.errors import InferenceFailed
from service.inference.pooling import pool_embedding
from tests.artifact_factory import DIMENSION, PARTS, reference_embedding

OUTPUT = OutputTensor(
    name="features",
    dimension=DIMENSION,
    normalised=True,
    metric="cosine",
    pooling="mean",
    parts=PARTS,
)


def features(seed, frames=5):
    return np.random.default_rng(seed).normal(size=(frames, DIMENSION)).astype(np.float32)


def test_equals_the_reference():
    for seed in range(5):
        rows = features(seed)
        embedding = pool_embedding(rows, OUTPUT)

        assert embedding.dtype == np.float32
        np.testing.assert_allclose(embedding, reference_embedding(rows), rtol=1e-6, atol=1e-7)


def test_each_part_has_the_same_share_of_a_length_of_one():
    embedding = pool_embedding(features(1) * np.linspace(1, 900, DIMENSION), OUTPUT)

    assert np.linalg.norm(embedding) == pytest.approx(1, abs=1e-6)
    assert np.linalg.norm(embedding[:12]) == pytest.approx(np.sqrt(0.5), abs=1e-6)
    assert np.linalg.norm(embedding[12:]) == pytest.approx(np.sqrt(0.5), abs=1e-6)


def test_order_of_frames_does_not_matter():
    rows = features(2, frames=64)

    assert np.array_equal(pool_embedding(rows, OUTPUT), pool_embedding(rows[::-1], OUTPUT))


def test_repeated_frame_equals_the_frame_alone():
    row = features(3, frames=1)

    repeated = pool_embedding(np.repeat(row, 7, axis=0), OUTPUT)

    np.testing.assert_allclose(repeated, pool_embedding(row, OUTPUT), atol=1e-7)


def test_one_part_and_one_frame_is_the_plain_l2_norm():
    whole = OUTPUT.model_copy(update={"parts": (EmbeddingPart(name="all", dimension=DIMENSION),)})
    row = features(4, frames=1)

    np.testing.assert_allclose(
        pool_embedding(row, whole), row[0] / np.linalg.norm(row[0]), rtol=1e-6
    )


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_value_that_is_not_finite_fails(value):
    rows = features(5)
    rows[2, 3] = value

    with pytest.raises(InferenceFailed) as failure:
        pool_embedding(rows, OUTPUT)

    assert failure.value.expected == "finite features"
    assert failure.value.received == "a value that is not finite from the model"
    assert failure.value.remedy == ("report these frames; the other requests are not touched by it")


def test_part_of_zeros_fails_by_name():
    rows = features(6)
    rows[:, 12:] = 0

    with pytest.raises(InferenceFailed, match="a part 'transformer' with a direction, received"):
        pool_embedding(rows, OUTPUT)


@pytest.mark.parametrize("shape", [(DIMENSION,), (0, DIMENSION), (3, DIMENSION + 1)])
def test_other_shapes_are_our_own_mistake(shape):
    with pytest.raises(ValueError, match=r"expected features \[t, 20\] with t of 1 or more"):
        pool_embedding(np.ones(shape, np.float32), OUTPUT)
