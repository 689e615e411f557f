import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.data.frame_sampling import interleaved_clips, restricted_random_sampling


@given(frames=st.integers(1, 300), clip=st.integers(1, 16), seed=st.integers(0, 99))
def test_one_frame_comes_from_each_chunk_in_order(frames, clip, seed):
    positions = restricted_random_sampling(frames, clip, np.random.default_rng(seed))
    assert len(positions) == clip
    assert list(positions) == sorted(positions)
    assert all(0 <= position < frames for position in positions)
    if frames >= clip:
        for i, position in enumerate(positions):
            assert i * frames // clip <= position < (i + 1) * frames // clip


def test_every_frame_is_drawn_sooner_or_later():
    generator = np.random.default_rng(0)
    drawn = {p for _ in range(300) for p in restricted_random_sampling(21, 8, generator)}
    assert drawn == set(range(21))


def test_a_short_tracklet_ends_with_its_last_frame_repeated():
    generator = np.random.default_rng(0)
    assert restricted_random_sampling(3, 8, generator) == (0, 1, 2, 2, 2, 2, 2, 2)


@pytest.mark.parametrize(("frames", "clip"), [(0, 8), (8, 0)])
def test_empty_tracklets_and_clips_are_refused(frames, clip):
    with pytest.raises(ValueError, match="expected at least one frame and one clip frame"):
        restricted_random_sampling(frames, clip, np.random.default_rng(0))


@given(frames=st.integers(1, 300), clip=st.integers(1, 16))
def test_interleaved_clips_show_every_frame_in_order(frames, clip):
    clips = interleaved_clips(frames, clip)
    assert {position for positions in clips for position in positions} == set(range(frames))
    assert all(len(positions) == clip for positions in clips)
    if frames >= clip:
        assert len(clips) == -(-frames // clip)
        assert all(list(positions) == sorted(positions) for positions in clips)


def test_interleaved_clips_are_the_ones_of_the_specification():
    assert interleaved_clips(7, 4) == ((0, 2, 4, 6), (1, 3, 5, 6))
    assert interleaved_clips(3, 8) == ((0, 1, 2, 0, 1, 2, 0, 1),)
    assert interleaved_clips(4, 4) == ((0, 1, 2, 3),)


@pytest.mark.parametrize(("frames", "clip"), [(0, 8), (8, 0)])
def test_interleaved_clips_of_nothing_are_refused(frames, clip):
    with pytest.raises(ValueError, match=f"received {frames} and {clip}"):
        interleaved_clips(frames, clip)
