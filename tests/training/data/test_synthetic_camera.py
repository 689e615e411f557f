"""Laws of a made-up camera: each of its settings does what it says, and nothing else is random."""

from dataclasses import replace

import numpy as np
import pytest

from training.data.synthetic_camera import CameraLook, camera_look

FAITHFUL = CameraLook(
    gains=(1, 1, 1),
    saturation=1,
    gamma=1,
    contrast=1,
    sidelight=0,
    resolution=1,
    blur=0,
    noise=0,
    jpeg_quality=95,
    person_share=0.9,
    offset=(0, 0),
    tilt_rad=0.1,
    directions_rad=(0.0,),
)


@pytest.fixture
def scene():
    """A smooth scene in three colours, so that compression loses next to nothing of it."""
    rows = np.linspace(60, 180, 64)[:, None] * np.ones((1, 32))
    return np.stack([rows, rows[::-1], np.full_like(rows, 90)], axis=2).astype(np.uint8)


def captured(camera, scene, seed=0):
    return camera.capture(scene, np.random.default_rng(seed)).astype(int)


def test_a_faithful_camera_changes_next_to_nothing(scene):
    assert np.abs(captured(FAITHFUL, scene) - scene).max() <= 4


def test_a_recording_depends_on_the_camera_and_its_generator_alone(scene):
    camera = camera_look(np.random.default_rng(3))
    np.testing.assert_array_equal(captured(camera, scene, 1), captured(camera, scene, 1))
    assert (captured(camera, scene, 1) != captured(camera, scene, 2)).any()
    assert camera == camera_look(np.random.default_rng(3))


def test_gains_cast_a_colour(scene):
    change = captured(replace(FAITHFUL, gains=(1.2, 1, 0.8)), scene) - scene
    red, green, blue = change.mean(axis=(0, 1))
    assert red > 15
    assert abs(green) < 2
    assert blue < -10


def test_no_saturation_leaves_grey(scene):
    frame = captured(replace(FAITHFUL, saturation=0), scene)
    assert (frame.max(axis=2) - frame.min(axis=2)).max() <= 3


def test_gamma_above_one_darkens_and_below_one_lightens(scene):
    assert captured(replace(FAITHFUL, gamma=1.4), scene).mean() < scene.mean() - 10
    assert captured(replace(FAITHFUL, gamma=0.7), scene).mean() > scene.mean() + 10


def test_low_contrast_narrows_the_range(scene):
    assert np.ptp(captured(replace(FAITHFUL, contrast=0.5), scene)) < 0.6 * np.ptp(scene)


def test_sidelight_is_brighter_on_one_side(scene):
    frame = captured(replace(FAITHFUL, sidelight=0.4), scene)
    assert frame[:, -8:].mean() > frame[:, :8].mean() + 20


@pytest.mark.parametrize("change", [{"resolution": 0.3}, {"blur": 0.04}])
def test_low_resolution_and_blur_lose_detail(change):
    board = np.indices((64, 32)).sum(axis=0) % 4 < 2
    scene = np.repeat((board * 200).astype(np.uint8)[..., None], 3, axis=2)
    sharp, soft = captured(FAITHFUL, scene), captured(replace(FAITHFUL, **change), scene)
    assert soft.std() < 0.6 * sharp.std()


def test_noise_has_the_stated_deviation():
    scene = np.full((128, 64, 3), 128, np.uint8)
    assert captured(replace(FAITHFUL, noise=5), scene).std() == pytest.approx(5, abs=1)


def test_a_low_jpeg_quality_changes_more():
    grain = np.random.default_rng(0).integers(100, 156, (64, 32, 1), dtype=np.uint8)
    scene = np.repeat(grain, 3, axis=2)

    def loss(quality):
        return np.abs(captured(replace(FAITHFUL, jpeg_quality=quality), scene) - scene).mean()

    assert loss(30) > 3 * loss(95)


def test_cameras_differ_and_stay_within_what_can_be_recognised():
    cameras = [camera_look(np.random.default_rng([0, number])) for number in range(50)]
    assert len({camera.gains for camera in cameras}) == 50
    for camera in cameras:
        assert 0 < camera.resolution <= 1
        assert 1 <= camera.jpeg_quality <= 95
        assert 0.7 < camera.person_share < 1.05
        assert len(camera.directions_rad) == 3
