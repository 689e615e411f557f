"""Laws of a synthetic world: determinism, and recognition by the person and nothing else."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from training.data.synthetic import FRAMES_PER_SECOND, SyntheticWorld

REPOSITORY = Path(__file__).parents[3]
BANDS = 6


@pytest.fixture
def world():
    return SyntheticWorld(seed=5, identities=6, cameras=3, height=64, width=32)


def digest(tracklet):
    return hashlib.sha256(tracklet.frames.tobytes() + tracklet.masks.tobytes()).hexdigest()


def test_the_same_seed_gives_the_same_bytes(world):
    again = SyntheticWorld(seed=5, identities=6, cameras=3, height=64, width=32)
    assert digest(world.tracklet(2, 1)) == digest(again.tracklet(2, 1))
    assert world.tracklet(2, 1).start_s == again.tracklet(2, 1).start_s


def test_bytes_do_not_depend_on_the_hash_seed_of_python(world):
    code = (
        "import hashlib; from training.data.synthetic import SyntheticWorld;"
        "t = SyntheticWorld(5, 6, 3, height=64, width=32).tracklet(2, 1);"
        "print(hashlib.sha256(t.frames.tobytes() + t.masks.tobytes()).hexdigest())"
    )
    printed = [
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(REPOSITORY)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for hash_seed in ("1", "2")
    ]
    assert printed == [digest(world.tracklet(2, 1))] * 2


def test_a_tracklet_does_not_depend_on_what_was_made_before_it(world):
    alone = digest(world.tracklet(4, 2, 1))
    other = SyntheticWorld(seed=5, identities=6, cameras=3, height=64, width=32)
    for identity in (0, 4, 3):
        for camera in (2, 0):
            other.tracklet(identity, camera)
    assert digest(other.tracklet(4, 2, 1)) == alone


def test_a_tracklet_does_not_depend_on_how_many_identities_and_cameras_there_are(world):
    larger = SyntheticWorld(seed=5, identities=600, cameras=30, height=64, width=32)
    assert digest(larger.tracklet(4, 2)) == digest(world.tracklet(4, 2))
    assert larger.look(4) == world.look(4)
    assert larger.camera(2) == world.camera(2)


def test_seed_identity_camera_and_recording_each_change_the_frames(world):
    other_seed = SyntheticWorld(seed=6, identities=6, cameras=3, height=64, width=32)
    digests = {
        digest(tracklet)
        for tracklet in (
            world.tracklet(0, 0, 0),
            world.tracklet(1, 0, 0),
            world.tracklet(0, 1, 0),
            world.tracklet(0, 0, 1),
            other_seed.tracklet(0, 0, 0),
        )
    }
    assert len(digests) == 5


def test_another_seed_is_another_world(world):
    other = SyntheticWorld(seed=6, identities=6, cameras=3)
    assert all(other.look(identity) != world.look(identity) for identity in range(6))
    assert all(other.camera(camera) != world.camera(camera) for camera in range(3))


def test_another_recording_is_another_walk(world):
    first, second = world.tracklet(0, 0, 0), world.tracklet(0, 0, 1)
    assert first.start_s != second.start_s
    assert (first.masks != second.masks).any()


def test_a_longer_tracklet_begins_with_the_shorter_one(world):
    short, long = world.tracklet(1, 1, frames=3), world.tracklet(1, 1, frames=7)
    np.testing.assert_array_equal(long.frames[:3], short.frames)
    np.testing.assert_array_equal(long.masks[:3], short.masks)


@pytest.mark.parametrize(("height", "width"), [(256, 128), (128, 64), (64, 32), (40, 60)])
def test_frames_and_masks_have_the_size_asked_for(height, width):
    tracklet = SyntheticWorld(0, 1, 1, height=height, width=width).tracklet(0, 0, frames=2)
    assert tracklet.frames.shape == (2, height, width, 3)
    assert tracklet.frames.dtype == np.uint8
    assert tracklet.masks.shape == (2, height, width)
    assert tracklet.masks.dtype == np.bool_


def test_a_walk_is_the_same_walk_in_frames_of_any_size():
    def masks(height):
        world = SyntheticWorld(3, 2, 2, height=height, width=height // 2, occlusion=0)
        return world.tracklet(1, 1, frames=4).masks

    small, large = masks(64), masks(256).reshape(4, 64, 4, 32, 4).mean(axis=(2, 4)) > 0.5
    assert (small & large).sum() / (small | large).sum() > 0.9
    assert 0.1 < small.mean() < 0.5


def test_time_passes_at_the_stated_rate(world):
    tracklet = world.tracklet(0, 0, frames=12)
    assert tracklet.end_s - tracklet.start_s == pytest.approx(12 / FRAMES_PER_SECOND)


def test_the_gait_moves_the_legs_more_than_the_chest():
    world = SyntheticWorld(seed=1, identities=8, cameras=2, height=128, width=64, occlusion=0)
    chest, legs = [], []
    for identity in range(8):
        masks = world.tracklet(identity, 0, frames=6).masks
        assert all((masks[i] != masks[i + 1]).any() for i in range(5))
        changed = masks.any(axis=0) & ~masks.all(axis=0)
        chest.append(changed[35:50].sum() / masks[:, 35:50].sum())
        legs.append(changed[85:115].sum() / masks[:, 85:115].sum())
    assert np.mean(legs) > 4 * np.mean(chest)
    assert np.mean(legs) > 0.2


def test_occluders_take_pixels_from_the_person_over_time():
    clear = SyntheticWorld(seed=2, identities=12, cameras=2, height=64, width=32, occlusion=0)
    crossed = SyntheticWorld(seed=2, identities=12, cameras=2, height=64, width=32, occlusion=1)
    most_hidden = []
    for identity in range(12):
        without = clear.tracklet(identity, 0, frames=10)
        within = crossed.tracklet(identity, 0, frames=10)
        assert within.occluded
        assert not without.occluded
        assert not (within.masks & ~without.masks).any()
        hidden = 1 - within.masks.sum(axis=(1, 2)) / without.masks.sum(axis=(1, 2))
        assert hidden.min() < hidden.max()
        most_hidden.append(hidden.max())
    assert np.mean(most_hidden) > 0.15


def test_occlusion_is_the_share_of_tracklets_that_are_crossed():
    world = SyntheticWorld(seed=3, identities=60, cameras=2, height=32, width=16, occlusion=0.3)
    crossed = [world.tracklet(i, c, frames=1).occluded for i in range(60) for c in range(2)]
    assert 0.18 < np.mean(crossed) < 0.42


def test_cameras_give_the_same_person_other_colours():
    """Seen again by one camera a person's mean colour moves a little; by another, several times it.

    The ratio is over identities and seeds, so that no single cast decides it.
    """
    again, elsewhere = [], []
    for seed in range(4):
        world = SyntheticWorld(seed, identities=4, cameras=5, height=64, width=32, occlusion=0)
        for identity in range(4):
            again.append(spread([world.tracklet(identity, 0, walk, frames=2) for walk in range(5)]))
            walks = [world.tracklet(identity, camera, frames=2) for camera in range(5)]
            elsewhere.append(spread(walks))
    assert np.mean(elsewhere) > 2 * np.mean(again)


def spread(tracklets):
    """Deviation of the person's mean colour between tracklets."""
    return np.std([each.frames[each.masks].mean(axis=0) for each in tracklets], axis=0).mean()


def test_the_person_finds_the_identity_across_cameras_and_the_background_does_not():
    """The law that makes the data worth training on; chance is 1 in `identities`."""
    identities, cameras = 12, 3
    by_person, by_background = [], []
    for seed in range(6):
        world = SyntheticWorld(seed, identities, cameras, height=64, width=32)
        tracklets = [
            world.tracklet(i, c, frames=3) for i in range(identities) for c in range(cameras)
        ]
        people = [colours_by_band(each.frames, each.masks) for each in tracklets]
        places = [colours_by_band(each.frames, ~widened(each.masks)) for each in tracklets]
        by_person.append(rank_1(tracklets, people))
        by_background.append(rank_1(tracklets, places))
    assert np.mean(by_person) > 6 / identities
    assert np.mean(by_background) < 2 / identities


def colours_by_band(frames, region):
    """Mean RGB of a region in each of six horizontal bands: `[18]`."""
    height = frames.shape[1] // BANDS
    bands = [slice(height * band, height * (band + 1)) for band in range(BANDS)]
    colours = [
        frames[:, band][region[:, band]].mean(axis=0) if region[:, band].any() else np.zeros(3)
        for band in bands
    ]
    return np.concatenate(colours)


def widened(masks):
    """The masks with a margin, since a camera's blur carries a person's colours over the edge."""
    wide = ImageFilter.MaxFilter(7)
    return (
        np.stack([np.asarray(Image.fromarray(mask).convert("L").filter(wide)) for mask in masks])
        > 0
    )


def rank_1(tracklets, cues):
    """Share of tracklets whose nearest tracklet of another camera has the same identity."""
    identity = np.array([each.identity for each in tracklets])
    camera = np.array([each.camera for each in tracklets])
    cues = np.array(cues)
    for each in set(camera.tolist()):
        rows = cues[camera == each]
        cues[camera == each] = (rows - rows.mean(axis=0)) / (rows.std(axis=0) + 1e-6)
    distance = ((cues[:, None] - cues[None]) ** 2).sum(axis=2)
    distance[camera[:, None] == camera[None]] = np.inf
    return float((identity[distance.argmin(axis=1)] == identity).mean())


def test_two_identities_at_one_camera_share_the_same_place():
    """Backgrounds belong to the camera: pixels beside the person come from one palette."""
    world = SyntheticWorld(seed=8, identities=8, cameras=2, height=64, width=32, occlusion=0)
    means = np.array(
        [
            [
                colours_by_band(each.frames, ~widened(each.masks))
                for each in (world.tracklet(i, c, frames=2) for i in range(8))
            ]
            for c in range(2)
        ]
    )
    within = means.std(axis=1).mean()
    between = np.abs(means[0].mean(axis=0) - means[1].mean(axis=0)).mean()
    assert between > 2 * within


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"seed": -1},
            "expected seed of 0 to 4294967295, received -1; choose a value in that range",
        ),
        ({"seed": 2**32}, "expected seed of 0 to 4294967295, received 4294967296"),
        ({"identities": 0}, "expected identities of 1 or more, received 0"),
        ({"cameras": 0}, "expected cameras of 1 or more, received 0"),
        ({"height": 31}, "expected height of 32 to 4096, received 31"),
        ({"width": 15}, "expected width of 16 to 4096, received 15"),
        ({"occlusion": 1.5}, "expected occlusion of 0 to 1, received 1.5"),
        ({"occlusion": float("nan")}, "expected occlusion of 0 to 1, received nan"),
    ],
)
def test_a_world_that_cannot_be_is_refused(values, message):
    with pytest.raises(ValueError, match=message):
        SyntheticWorld(**{"seed": 0, "identities": 2, "cameras": 2, **values})


@pytest.mark.parametrize(
    ("arguments", "frames", "message"),
    [
        ((6, 0), 1, "expected identity of 0 to 5, received 6; choose a value in that range"),
        ((-1, 0), 1, "expected identity of 0 to 5, received -1"),
        ((0, 3), 1, "expected camera of 0 to 2, received 3"),
        ((0, 0, -1), 1, "expected recording of 0 to 4294967295, received -1"),
        ((0, 0), 0, "expected frames of 1 or more, received 0"),
    ],
)
def test_a_tracklet_outside_the_world_is_refused(world, arguments, frames, message):
    with pytest.raises(ValueError, match=message):
        world.tracklet(*arguments, frames=frames)


def test_another_outfit_is_the_same_person_on_the_same_walk_in_other_clothes(world):
    first, second = world.look(1), world.look(1, outfit=1)
    assert (first.build, first.skin, first.hair) == (second.build, second.skin, second.hair)
    assert first.upper != second.upper
    assert first == world.look(1, outfit=0)
    assert second not in (world.look(1, outfit=2), world.look(2, outfit=1))
    walks = [world.tracklet(1, 1, frames=2, outfit=outfit) for outfit in (0, 1)]
    assert walks[0].start_s == walks[1].start_s
    assert digest(walks[0]) != digest(walks[1])
