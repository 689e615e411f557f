import asyncio

import numpy as np
import pytest

from service.batching.assembly import Assembly
from service.batching.request import Piece, Request
from service.batching.urgency import PATIENT
from tests.fake_backend import tracklet


@pytest.fixture(scope="module")
def piece():
    loop = asyncio.new_event_loop()

    def piece(items):
        return Piece(Request(items, PATIENT, loop.create_future(), loop, 0.0), 0, items)

    yield piece
    loop.close()


def test_items_stand_side_by_side_and_zeros_fill_the_size(piece):
    first, second = tracklet(1, 3), tracklet(2, 2)

    rows = Assembly((4, 8), buffers=1).rows([piece(first), piece(second)])

    assert rows.shape == (8, 4, 2, 3)
    assert np.array_equal(rows[:5], np.concatenate([first, second]))
    assert not rows[5:].any()


def test_padding_holds_nothing_of_the_batch_before(piece):
    assembly = Assembly((8,), buffers=1)
    assembly.rows([piece(tracklet(1, 4)), piece(tracklet(2, 4))])

    assert not assembly.rows([piece(tracklet(3, 2))])[2:].any()


def test_one_piece_that_is_the_whole_batch_is_not_copied(piece):
    items = tracklet(1, 4)

    assert np.shares_memory(Assembly((4, 8), buffers=1).rows([piece(items)]), items)


def test_pixels_that_are_not_in_order_in_memory_are_put_in_order(piece):
    mirrored = tracklet(1, 4)[:, :, ::-1]

    rows = Assembly((4,), buffers=1).rows([piece(mirrored)])

    assert rows.flags.c_contiguous
    assert np.array_equal(rows, mirrored)


def test_with_two_buffers_a_batch_outlives_the_assembly_of_the_next(piece):
    assembly = Assembly((4,), buffers=2)
    first = assembly.rows([piece(tracklet(1, 2)), piece(tracklet(2, 2))])
    before = first.copy()
    second = assembly.rows([piece(tracklet(3, 2)), piece(tracklet(4, 2))])

    assert np.array_equal(first, before)
    third = assembly.rows([piece(tracklet(5, 2)), piece(tracklet(6, 2))])
    assert np.shares_memory(first, third)
    assert not np.shares_memory(second, third)


def test_items_of_different_shapes_are_no_batch(piece):
    with pytest.raises(ValueError, match="broadcast"):
        Assembly((4,), buffers=1).rows([piece(tracklet(1, 2)), piece(tracklet(1, 2)[:, :3])])


def test_clips_are_items_too(piece):
    clips = np.stack([tracklet(1, 6), tracklet(2, 6)])

    rows = Assembly((4,), buffers=1).rows([piece(clips)])

    assert rows.shape == (4, 6, 4, 2, 3)
    assert np.array_equal(rows[:2], clips)
