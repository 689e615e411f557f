import numpy as np
import pytest
import torch

from model.normalization import IMAGENET_MEAN, IMAGENET_STD, FrameNormalization
from training.data.clip_config import AugmentationConfig
from training.data.transforms import ClipTransform

STILL = {"flip": 0, "pad_px": 0, "erasing": 0}
BLACK = -np.array(IMAGENET_MEAN) / np.array(IMAGENET_STD)


def augment(clip, seed=0, **config):
    out = np.full((len(clip), 3, *clip.shape[1:3]), np.nan, np.float32)
    transform = ClipTransform(AugmentationConfig(**{**STILL, **config}))
    transform(clip, np.random.default_rng(seed), out)
    assert np.isfinite(out).all()
    return out


def noise(frames=1, height=32, width=16):
    return np.random.default_rng(7).integers(0, 256, (frames, height, width, 3), dtype=np.uint8)


EACH = [{"flip": 0.5}, {"pad_px": 10}, {"erasing": 0.5}, {"erasing": 0.9, "erasing_fill": "colour"}]


@pytest.mark.parametrize("config", EACH)
def test_every_frame_of_a_clip_gets_the_same_augmentation_and_clips_differ(config):
    clip = np.repeat(noise(), 5, axis=0)
    results = set()
    for seed in range(20):
        augmented = augment(clip, seed, **config)
        assert (augmented == augmented[0]).all()
        results.add(augmented[0].tobytes())
    assert len(results) > (1 if "flip" in config else 5)


def test_nothing_switched_on_is_the_normalisation_of_evaluation_bit_for_bit():
    clip = noise(3)
    expected = FrameNormalization()(torch.from_numpy(clip)).numpy()
    assert np.array_equal(augment(clip), expected)


def test_a_flip_mirrors_the_frames():
    clip = noise(2)
    assert np.array_equal(augment(clip, flip=1), augment(clip)[..., ::-1])


def test_flips_are_as_frequent_as_asked():
    clip = noise()
    straight = augment(clip)
    flipped = sum(not np.array_equal(augment(clip, s, flip=0.25), straight) for s in range(400))
    assert 70 <= flipped <= 130


def test_a_crop_is_a_window_of_the_padded_frame_and_every_window_is_drawn():
    clip, pad = noise(2), 2
    padded = np.pad(augment(clip), ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    edge = np.ones(padded.shape[2:], bool)
    edge[pad:-pad, pad:-pad] = False
    padded[..., edge] = BLACK[:, None]
    windows = {
        (top, left): padded[..., top : top + 32, left : left + 16]
        for top in range(5)
        for left in range(5)
    }
    found = set()
    for seed in range(300):
        cropped = augment(clip, seed, pad_px=pad)
        assert cropped.shape == (2, 3, 32, 16)
        (place,) = (k for k, w in windows.items() if np.allclose(w, cropped, atol=1e-6))
        found.add(place)
    assert found == windows.keys()


def test_padding_wider_than_the_frame_still_gives_a_frame():
    for seed in range(30):
        assert augment(noise(1, 4, 4), seed, pad_px=9).shape == (1, 3, 4, 4)


def holes(augmented):
    """Rows, columns and top-left corner of the rectangle of zeros of each frame, or None."""
    found = []
    for frame in (augmented == 0).all(1):
        rows, columns = np.flatnonzero(frame.any(1)), np.flatnonzero(frame.any(0))
        if not len(rows):
            found.append(None)
            continue
        top, left = rows[0], columns[0]
        assert frame[top : rows[-1] + 1, left : columns[-1] + 1].all()
        found.append((len(rows), len(columns), top, left))
    return found


def test_erasing_keeps_to_its_area_and_aspect_and_reaches_every_corner():
    clip = np.full((1, 60, 40, 3), 255, np.uint8)
    corners = []
    for seed in range(300):
        hole = holes(augment(clip, seed, erasing=1))[0]
        assert hole is not None
        rows, columns, top, left = hole
        assert 0.015 <= rows * columns / 2400 <= 0.42
        assert 0.25 <= rows / columns <= 4
        corners.append((top, left, top + rows, left + columns))
    corners = np.array(corners)
    assert (corners.min(0)[:2] == 0).all()
    assert (corners.max(0)[2:] == (60, 40)).all()
    # The place is drawn, and is not the size of the rectangle.
    assert len({tuple(corner[:2]) for corner in corners}) > 200


def test_erasing_settings_are_kept():
    clip = np.full((1, 60, 40, 3), 255, np.uint8)
    config = {"erasing": 1, "erasing_area": (0.1, 0.1), "erasing_aspect": (2, 2)}
    for seed in range(20):
        rows, columns, *_ = holes(augment(clip, seed, **config))[0]
        assert (rows, columns) == (22, 11)


def test_erasing_is_as_frequent_as_asked():
    clip = np.full((1, 60, 40, 3), 255, np.uint8)
    erased = sum(holes(augment(clip, seed, erasing=0.25))[0] is not None for seed in range(400))
    assert 70 <= erased <= 130


def test_erasing_that_fits_nowhere_erases_nothing():
    clip = noise(1, 8, 8)
    config = {"erasing": 1, "erasing_area": (1, 1), "erasing_aspect": (1, 1)}
    assert np.array_equal(augment(clip, **config), augment(clip))


def test_erasing_per_frame_draws_each_frame_by_itself():
    clip = np.full((6, 60, 40, 3), 255, np.uint8)
    drawn = holes(augment(clip, erasing=1, erasing_per_frame=True))
    assert len(set(drawn)) == 6
    some = [
        hole
        for s in range(50)
        for hole in holes(augment(clip, s, erasing=0.5, erasing_per_frame=True))
    ]
    assert 100 <= sum(hole is None for hole in some) <= 200


def test_a_colour_is_one_pixel_value_over_the_whole_rectangle():
    clip = np.zeros((2, 60, 40, 3), np.uint8)
    colours = set()
    for seed in range(20):
        augmented = augment(clip, seed, erasing=1, erasing_fill="colour")
        pixels = augmented.transpose(0, 2, 3, 1).reshape(-1, 3)
        seen = {tuple(pixel) for pixel in np.unique(pixels, axis=0)}
        assert len(seen) == 2
        (colour,) = (c for c in seen if not np.allclose(c, BLACK))
        value = np.array(colour) * np.array(IMAGENET_STD) * 255 + np.array(IMAGENET_MEAN) * 255
        assert np.allclose(value, value.round(), atol=1e-3)
        assert (value > -0.5).all()
        assert (value < 255.5).all()
        colours.add(colour)
    assert len(colours) == 20
