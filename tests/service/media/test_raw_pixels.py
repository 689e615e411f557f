import numpy as np
import pytest
from PIL import Image

from service.errors import DecodeBudgetExceeded, NoReadableFrame
from service.media.decode_budget import DecodeBudget, DecodeLimits
from service.media.raw_pixels import choose_pixels
from tests.media_decoding import FRAME_LIMITS, PREPROCESSING, ample_budget


def noise(*shape):
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def chosen(pixels, budget=None):
    return choose_pixels(pixels, FRAME_LIMITS, PREPROCESSING, budget or ample_budget())


def test_frames_of_the_models_size_come_as_they_are():
    pixels = noise(3, 64, 32, 3)

    tracklet = chosen(pixels)

    assert np.array_equal(tracklet.frames, pixels)
    assert (tracklet.received, tracklet.used, tracklet.rejected) == (3, (0, 1, 2), ())


def test_other_sizes_are_resized_as_training_does():
    pixels = noise(2, 90, 40, 3)

    tracklet = chosen(pixels)

    for frame, came in zip(tracklet.frames, pixels, strict=True):
        expected = Image.fromarray(came).resize((32, 64), Image.Resampling.BILINEAR)
        assert np.array_equal(frame, np.asarray(expected))


def test_only_chosen_frames_are_looked_at():
    budget = DecodeBudget(DecodeLimits(cpu_s=60, pixels=4 * 64 * 32), lambda: None)

    tracklet = chosen(noise(9, 64, 32, 3), budget)

    assert tracklet.used == PREPROCESSING.choice.indices(9)
    with pytest.raises(DecodeBudgetExceeded):
        budget.spend(1)


@pytest.mark.parametrize("size", [(1001, 2), (400, 300), (0, 32)])
def test_frames_of_a_size_that_is_not_allowed(size):
    with pytest.raises(NoReadableFrame) as refusal:
        chosen(np.zeros((2, *size, 3), np.uint8))

    assert f"received {size[1]} x {size[0]} px" in refusal.value.received
    assert refusal.value.remedy == (
        "send uint8 RGB pixels of one person, frames by rows by columns by 3"
    )


def test_no_frame_at_all():
    with pytest.raises(NoReadableFrame, match="received 0 frames, none readable; send uint8"):
        chosen(np.zeros((0, 64, 32, 3), np.uint8))
