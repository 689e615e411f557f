import colorsys

import numpy as np
import pytest

from training.data.clip_config import AugmentationConfig, ColourConfig
from training.data.recolouring import draw_recolouring
from training.data.transforms import ClipTransform

NOTHING = {"brightness": 0, "contrast": 0, "saturation": 0, "hue": 0}
LUMA = np.array([0.299, 0.587, 0.114])
MEAN = np.array((0.485, 0.456, 0.406)) * 255
STD = np.array((0.229, 0.224, 0.225)) * 255


def noise(frames=1):
    """Colours from which small changes lead nowhere beyond black or white."""
    return np.random.default_rng(7).integers(90, 160, (frames, 32, 16, 3), dtype=np.uint8)


def recoloured(clip, seed=0, **config):
    """Frames [t, h, w, 3] as numbers, not rounded."""
    settings = ColourConfig(**{**NOTHING, "probability": 1, **config})
    change = draw_recolouring(settings, list(clip), np.random.default_rng(seed))
    pixels = clip.astype(np.float32).transpose(0, 3, 1, 2).copy()
    for frame in pixels if change is not None else []:
        change(frame)
    return pixels.transpose(0, 2, 3, 1)


def factors(settings, measure, seeds=60):
    return np.array([measure(recoloured(noise(), seed, **settings)[0]) for seed in range(seeds)])


def test_nothing_asked_for_changes_nothing():
    np.testing.assert_allclose(recoloured(noise(2)), noise(2), atol=1e-2)


def test_brightness_multiplies_every_channel_by_one_factor_within_its_bounds():
    before = noise()[0]
    lights = factors({"brightness": 0.3}, lambda after: after.mean() / before.mean())
    assert 0.7 <= lights.min() < 0.8
    assert 1.2 < lights.max() <= 1.3
    after = recoloured(noise(), 3, brightness=0.3)[0]
    ratios = after / before
    np.testing.assert_allclose(ratios, ratios.mean(), rtol=1e-4)


def test_contrast_stretches_around_the_clips_mean():
    before = noise()[0]
    for seed in range(5):
        after = recoloured(noise(), seed, contrast=0.4)[0]
        assert (after @ LUMA).mean() == pytest.approx((before @ LUMA).mean(), abs=1e-2)
    spreads = factors({"contrast": 0.4}, lambda after: after.std() / before.std())
    assert 0.58 <= spreads.min() < 0.75
    assert 1.25 < spreads.max() <= 1.42


def test_saturation_and_hue_keep_luma():
    before = noise()[0] @ LUMA
    for seed in range(5):
        after = recoloured(noise(), seed, saturation=0.5, hue=0.1)[0]
        np.testing.assert_allclose(after @ LUMA, before, atol=0.2)


def test_hues_turn_by_at_most_what_is_asked():
    reddish = np.full((1, 8, 8, 3), (150, 100, 100), np.uint8)
    turned = []
    for seed in range(60):
        red, green, blue = recoloured(reddish, seed, hue=0.1)[0][0, 0] / 255
        turn = colorsys.rgb_to_hsv(red, green, blue)[0]
        turned.append((turn + 0.5) % 1 - 0.5)
    # A turn in YIQ is not quite one of HSV's hexagon.
    assert -0.14 <= min(turned) < -0.05
    assert 0.05 < max(turned) <= 0.14


def test_grey_is_grey_and_as_frequent_as_asked():
    clips = [recoloured(noise(2), seed, probability=0, grey=0.25) for seed in range(400)]
    grey = [clip for clip in clips if np.ptp(clip, axis=3).max() < 1e-2]
    assert 70 <= len(grey) <= 130
    np.testing.assert_allclose(grey[0][..., 0], noise(2) @ LUMA, atol=1e-2)
    untouched = sum(np.array_equal(clip, noise(2)) for clip in clips)
    assert untouched == 400 - len(grey)


def test_colours_are_changed_as_often_as_asked():
    clips = [recoloured(noise(), seed, probability=0.25, brightness=0.5) for seed in range(400)]
    assert 70 <= sum(not np.array_equal(clip, noise()) for clip in clips) <= 130


def test_colours_stay_colours():
    extremes = np.array([[[[0, 0, 0], [255, 255, 255], [255, 0, 0]]]], np.uint8)
    for seed in range(30):
        pixels = recoloured(extremes, seed, brightness=1, contrast=1, saturation=1, hue=0.5)
        assert pixels.min() >= 0
        assert pixels.max() <= 255


def augment(clip, seed, **config):
    out = np.full((len(clip), 3, *clip.shape[1:3]), np.nan, np.float32)
    settings = AugmentationConfig.model_validate({"flip": 0, "pad_px": 0, "erasing": 0, **config})
    ClipTransform(settings)(clip, np.random.default_rng(seed), out)
    return out


def test_every_frame_of_a_clip_gets_the_same_colours_and_clips_differ():
    clip = np.repeat(noise(), 4, axis=0)
    results = set()
    for seed in range(10):
        augmented = augment(clip, seed, colour={})
        assert (augmented == augmented[0]).all()
        assert np.array_equal(augmented, augment(clip, seed, colour={}))
        results.add(augmented.tobytes())
    assert len(results) > 5


def test_the_border_stays_black_and_the_crop_is_the_one_without_colours():
    clip = np.full((1, 32, 16, 3), 120, np.uint8)
    for seed in range(20):
        plain = augment(clip, seed, pad_px=6)
        changed = augment(clip, seed, pad_px=6, colour={"probability": 1, "contrast": 1})
        border = np.isclose(plain, (-MEAN / STD)[None, :, None, None], atol=1e-5).all(axis=1)
        np.testing.assert_array_equal(changed.transpose(0, 2, 3, 1)[border],
                                      plain.transpose(0, 2, 3, 1)[border])  # fmt: skip


def test_settings_out_of_range_are_refused():
    with pytest.raises(ValueError, match="less than or equal to 0.5"):
        ColourConfig(hue=0.6)
