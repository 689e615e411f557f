import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.manifest import FrameChoice
from service.inference.tracklet_items import clip_positions, tracklet_items
from tests.artifact_factory import write_tiny_artifact
from tests.inference_parts import drawn_frames

LENGTH = 4


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    return write_tiny_artifact(tmp_path_factory.mktemp("clips"), unit="clip")


@pytest.fixture(scope="module")
def whole(manifest):
    """A model that sees a tracklet in one clip."""
    output = manifest.output.model_copy(update={"pooling": "none"})
    return manifest.model_copy(update={"output": output})


def test_model_of_frames_gets_the_frames(tmp_path):
    frames = drawn_frames(5)
    assert tracklet_items(frames, write_tiny_artifact(tmp_path)) is frames


@given(frames=st.integers(1, 200))
def test_one_clip_takes_frames_as_the_manifest_chooses_them(whole, frames):
    (positions,) = clip_positions(frames, whole)
    assert len(positions) == LENGTH
    if frames > LENGTH:
        choice = FrameChoice(policy="evenly_spaced", most=LENGTH)
        assert tuple(positions) == choice.indices(frames)


@pytest.mark.parametrize(
    ("frames", "positions"),
    [(1, [0, 0, 0, 0]), (2, [0, 0, 1, 1]), (3, [0, 1, 1, 2]), (4, [0, 1, 2, 3])],
)
def test_short_tracklet_repeats_its_frames_evenly(manifest, whole, frames, positions):
    assert clip_positions(frames, whole).tolist() == [positions]
    assert clip_positions(frames, manifest).tolist() == [positions]


@given(frames=st.integers(1, 200))
def test_clips_of_a_mean_show_every_frame_and_each_spans_the_tracklet(manifest, frames):
    positions = clip_positions(frames, manifest)
    count = -(-frames // LENGTH)
    assert positions.shape == (count, LENGTH)
    assert set(positions.ravel()) == set(range(frames))
    assert (np.diff(positions, axis=1) >= 0).all()
    assert (positions[:, 0] < count).all()
    assert (positions[:, -1] >= frames - count).all()


def test_clips_hold_the_pixels_of_their_frames(manifest):
    frames = drawn_frames(6)
    clips = tracklet_items(frames, manifest)
    assert clips.shape == (2, LENGTH, 64, 32, 3)
    np.testing.assert_array_equal(clips, frames[clip_positions(6, manifest)])
