"""Laws of a camera's surroundings: its own, deterministic, and passed through without a jump."""

import numpy as np
import pytest

from training.data.synthetic_background import panorama, window


def scene(seed=0, height=64, width=32):
    return panorama(np.random.default_rng(seed), height=height, width=width)


def test_a_panorama_depends_on_the_generator_alone():
    np.testing.assert_array_equal(scene(1), scene(1))
    assert (scene(1) != scene(2)).any()


@pytest.mark.parametrize(("height", "width"), [(256, 128), (32, 16), (40, 60)])
def test_a_panorama_is_five_frames_wide_and_a_window_is_one(height, width):
    place = scene(0, height, width)
    assert place.shape == (height, 5 * width, 3)
    assert window(place, 0.3).shape == (height, width, 3)


def test_windows_run_from_one_end_to_the_other_and_back():
    place = scene()
    np.testing.assert_array_equal(window(place, 0.0), place[:, :32])
    np.testing.assert_array_equal(window(place, 1.0), place[:, -32:])
    np.testing.assert_array_equal(window(place, 1.3), window(place, 0.7))
    np.testing.assert_array_equal(window(place, -0.25), window(place, 0.25))
    np.testing.assert_array_equal(window(place, 2.25), window(place, 0.25))


def test_a_place_has_structure():
    place = scene(0, 256, 128).astype(float)
    assert place.mean(axis=(1, 2)).std() > 5
    assert place.mean(axis=(0, 2)).std() > 1
