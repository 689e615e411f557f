from dataclasses import replace

import numpy as np
import pytest
import torch

from training.data.clip_config import AugmentationConfig, ClipConfig
from training.data.clip_dataset import ClipDataset, ClipRequest
from training.data.frame_reading import read_frame
from training.data.tracklet import Tracklet

STILL = AugmentationConfig(flip=0, pad_px=0, erasing=0)


def dataset_of(tracklets, augmentation=None, **clips):
    return ClipDataset(
        tracklets,
        size=(64, 32),
        clips=ClipConfig(**{"frames": 3, **clips}),
        augmentation=augmentation or AugmentationConfig(),
    )


def drawn(dataset, tracklet, seed):
    out = np.full(dataset.clip_shape, np.nan, np.float32)
    dataset.draw(ClipRequest(tracklet, seed), out)
    return out


def test_a_clip_has_its_shape_and_the_class_of_its_identity(drawn_tracklets):
    dataset = dataset_of(drawn_tracklets)
    assert dataset.identities == 6
    assert dataset.clip_shape == (3, 3, 64, 32)
    for position, tracklet in enumerate(drawn_tracklets):
        assert np.isfinite(drawn(dataset, position, 0)).all()
        assert dataset.class_number(ClipRequest(position, 0)) == tracklet.identity - 1


def test_a_request_is_the_same_clip_whatever_was_drawn_before(drawn_tracklets):
    dataset = dataset_of(drawn_tracklets)
    first = drawn(dataset, 3, 42)
    torch.rand(7)
    drawn(dataset, 1, 5)
    assert np.array_equal(drawn(dataset, 3, 42), first)
    assert not np.array_equal(drawn(dataset, 3, 43), first)


def test_drawing_a_clip_leaves_the_global_generators_alone(drawn_tracklets):
    states = torch.get_rng_state(), np.random.get_state()[1].tolist()  # noqa: NPY002
    drawn(dataset_of(drawn_tracklets), 0, 1)
    assert torch.equal(torch.get_rng_state(), states[0])
    assert np.random.get_state()[1].tolist() == states[1]  # noqa: NPY002


def test_the_seed_chooses_the_frames(drawn_tracklets):
    dataset = dataset_of(drawn_tracklets, STILL, frames=1)
    clips = {drawn(dataset, 0, seed).sum() for seed in range(30)}
    assert len(clips) == len(drawn_tracklets[0].frames)


def test_the_rule_of_the_configuration_chooses_the_frames(drawn_tracklets):
    """Of four frames, ceil chunks of two show the last one twice in a clip of three."""
    clips = {
        rule: [
            drawn(dataset_of(drawn_tracklets, STILL, frame_sampling=rule), 0, s) for s in range(9)
        ]
        for rule in ("near-equal", "ceil", "local")
    }
    last_twice = {
        rule: [np.array_equal(clip[2], clip[1]) for clip in drawn_clips]
        for rule, drawn_clips in clips.items()
    }
    assert not any(last_twice["near-equal"] + last_twice["local"])
    assert any(last_twice["ceil"])


def test_a_clip_says_which_frames_of_the_data_set_it_shows(drawn_tracklets):
    tracklets = [replace(drawn_tracklets[0], frames=drawn_tracklets[0].frames[:2])]
    tracklets += drawn_tracklets[1:]
    paths = [path for tracklet in tracklets for path in tracklet.frames]
    dataset = dataset_of(tracklets, STILL)
    for position, tracklet in enumerate(tracklets):
        out = np.empty(dataset.clip_shape, np.float32)
        numbers = dataset.draw(ClipRequest(position, position), out)
        assert numbers.shape == (3,)
        assert {paths[number] for number in numbers} <= set(tracklet.frames)
        pixels = out.transpose(0, 2, 3, 1) * (0.229, 0.224, 0.225) * 255
        pixels = (pixels + np.array((0.485, 0.456, 0.406)) * 255).round()
        shown = [read_frame(paths[number], height=64, width=32) for number in numbers]
        assert np.array_equal(pixels, np.stack(shown))


def test_a_frame_of_some_tracklet_may_stand_in_front(drawn_tracklets):
    """What is erased shows, at its own place, a frame of the data set."""
    front = AugmentationConfig(
        flip=0, pad_px=0, erasing=1, erasing_fill="frame", erasing_area=(0.3, 0.3)
    )
    dataset, plain = dataset_of(drawn_tracklets, front), dataset_of(drawn_tracklets, STILL)
    frames = [
        drawn(dataset_of([one], STILL, frames=len(one.frames)), 0, 0) for one in drawn_tracklets
    ]
    every = np.concatenate(frames)
    fronts = set()
    for seed in range(8):
        changed = (drawn(dataset, 0, seed) != drawn(plain, 0, seed)).any(axis=(0, 1))
        assert 0 < changed.sum() <= 0.35 * changed.size
        seen = drawn(dataset, 0, seed)[0][:, changed]
        found = [k for k, frame in enumerate(every) if np.allclose(frame[:, changed], seen)]
        assert found
        fronts.add(found[0])
    assert len(fronts) > 3


def test_keeping_frames_changes_no_bit(drawn_tracklets):
    plain, keeping = dataset_of(drawn_tracklets), dataset_of(drawn_tracklets, cache_mib=1)
    for seed in range(3):
        for position in range(len(drawn_tracklets)):
            assert np.array_equal(drawn(plain, position, seed), drawn(keeping, position, seed))


def test_frames_are_kept_within_the_memory_of_the_configuration(drawn_tracklets):
    dataset = dataset_of(drawn_tracklets, cache_mib=1)
    drawn(dataset, 0, 0)
    assert dataset._cache.held_bytes == 3 * 64 * 32 * 3
    assert dataset._cache._limit_bytes == 2**20


def test_a_frame_of_the_right_size_is_drawn_as_it_is(drawn_tracklets):
    one = Tracklet("one", 1, 1, drawn_tracklets[0].frames[:1])
    dataset = dataset_of([one, drawn_tracklets[-1]], STILL, frames=1)
    frame = read_frame(one.frames[0], height=64, width=32)
    pixels = drawn(dataset, 0, 0)[0].transpose(1, 2, 0) * (0.229, 0.224, 0.225) * 255
    assert np.array_equal((pixels + np.array((0.485, 0.456, 0.406)) * 255).round(), frame)


def test_a_corrupt_frame_is_named(drawn_tracklets, tmp_path):
    corrupt = tmp_path / "corrupt.jpg"
    corrupt.write_bytes(drawn_tracklets[0].frames[0].read_bytes()[:-300])
    dataset = dataset_of([Tracklet("broken", 1, 1, (corrupt,))])
    with pytest.raises(ValueError, match="expected a whole image at .*corrupt.jpg"):
        drawn(dataset, 0, 0)
