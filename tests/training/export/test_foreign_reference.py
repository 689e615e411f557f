import numpy as np
import pytest

from tests.foreign_graphs import HEIGHT, WIDTH, by_hand, foreign, projection
from training.export.foreign_reference import (
    embedding_shape,
    foreign_reference,
    require_any_batch,
)
from training.export.foreign_tensor import ForeignTensor

SIZE = (HEIGHT, WIDTH)
FRAMES = np.random.default_rng(5).integers(0, 256, (5, *SIZE, 3), dtype=np.uint8)
WANTED = foreign(None).input


def tensor(batch):
    return ForeignTensor("data", "float32", (batch, 3, *SIZE))


def graph_of(batch, tail=()):
    """What a runtime would do, batch for batch."""

    def run(values):
        assert batch in (None, len(values))
        cells = values.reshape(len(values), 3, 4, 8, 2, 8).mean(axis=(3, 5))
        return (cells.reshape(len(values), 24) @ projection()).reshape(len(values), -1, *tail)

    return run


@pytest.mark.parametrize("batch", [None, 1, 2, 4])
def test_any_number_of_frames_through_any_fixed_batch(batch):
    features = foreign_reference(graph_of(batch, (1, 1)), tensor(batch), WANTED)(FRAMES)
    assert features.dtype == np.float32
    np.testing.assert_allclose(features, by_hand(FRAMES, projection()), atol=1e-3)


def test_the_shape_of_a_row_is_seen():
    assert embedding_shape(graph_of(2, (1, 1)), tensor(2), WANTED, SIZE) == (6, 1, 1)


def test_an_output_of_one_row_for_all_frames_is_refused():
    told = r"one row of numbers per frame, \[2, d\], received \[1, 12\]; name the embedding with"
    with pytest.raises(ValueError, match=told):
        embedding_shape(lambda values: np.ones((1, 12)), tensor(2), WANTED, SIZE)


def test_frames_that_leak_into_each_other_are_noticed():
    """A graph that was opened by force may run and mix its rows."""
    reference = foreign_reference(graph_of(1), tensor(1), WANTED)

    def mixed(frames):
        return reference(frames)[::-1]

    with pytest.raises(ValueError, match="other features than for each frame alone; export it"):
        require_any_batch(mixed, reference, tensor(1), SIZE)
    require_any_batch(reference, reference, tensor(1), SIZE)
    require_any_batch(mixed, reference, tensor(None), SIZE)  # the gate's to judge
