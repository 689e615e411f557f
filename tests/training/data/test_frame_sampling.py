import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.data.frame_sampling import (
    FRAME_SAMPLERS,
    ceil_chunk_sampling,
    consecutive_clips,
    first_of_chunks,
    interleaved_clips,
    local_window_sampling,
    restricted_random_sampling,
)


@given(frames=st.integers(1, 300), clip=st.integers(1, 16), seed=st.integers(0, 99))
def test_one_frame_comes_from_each_chunk_in_order(frames, clip, seed):
    positions = restricted_random_sampling(frames, clip, np.random.default_rng(seed))
    assert len(positions) == clip
    assert list(positions) == sorted(positions)
    assert all(0 <= position < frames for position in positions)
    if frames >= clip:
        for i, position in enumerate(positions):
            assert i * frames // clip <= position < (i + 1) * frames // clip


@pytest.mark.parametrize("sampling", FRAME_SAMPLERS)
@given(frames=st.integers(1, 300), clip=st.integers(1, 16), seed=st.integers(0, 99))
def test_every_rule_draws_a_clip_in_time_order(sampling, frames, clip, seed):
    positions = FRAME_SAMPLERS[sampling](frames, clip, np.random.default_rng(seed))
    assert len(positions) == clip
    assert list(positions) == sorted(positions)
    assert all(0 <= position < frames for position in positions)


@pytest.mark.parametrize("sampling", FRAME_SAMPLERS)
@pytest.mark.parametrize("frames", [8, 9, 16, 21, 70])
def test_every_frame_is_drawn_sooner_or_later(sampling, frames):
    generator = np.random.default_rng(0)
    draw = FRAME_SAMPLERS[sampling]
    drawn = {p for _ in range(600) for p in draw(frames, 8, generator)}
    assert drawn == set(range(frames))


@pytest.mark.parametrize("sampling", FRAME_SAMPLERS)
def test_a_short_tracklet_ends_with_its_last_frame_repeated(sampling):
    draw = FRAME_SAMPLERS[sampling]
    assert draw(3, 8, np.random.default_rng(0)) == (0, 1, 2, 2, 2, 2, 2, 2)
    assert draw(8, 8, np.random.default_rng(0)) == tuple(range(8))


@given(frames=st.integers(8, 300), clip=st.integers(1, 8), seed=st.integers(0, 99))
def test_ceil_chunks_have_one_length_and_end_with_the_last_frame(frames, clip, seed):
    positions = ceil_chunk_sampling(frames, clip, np.random.default_rng(seed))
    length = -(-frames // clip)
    for i, position in enumerate(positions):
        assert min(i * length, frames - 1) <= position <= min((i + 1) * length, frames) - 1


def test_ceil_chunks_of_nine_frames_show_the_ninth_again_and_again():
    assert ceil_chunk_sampling(9, 8, np.random.default_rng(0))[4:] == (8, 8, 8, 8)


@given(frames=st.integers(1, 300), seed=st.integers(0, 99))
def test_a_local_window_has_the_largest_stride_that_fits(frames, seed):
    positions = local_window_sampling(frames, 8, np.random.default_rng(seed))
    stride = 8 if frames >= 64 else 4 if frames >= 32 else 2 if frames >= 16 else 1
    # One of each chunk of `stride`: some start of the window explains all of them.
    starts = range(max(frames - stride * 8, 0) + 1)
    assert any(
        all(
            start + i * stride <= position < start + (i + 1) * stride
            for i, position in enumerate(positions)
            if frames >= 8
        )
        for start in starts
    )


@pytest.mark.parametrize("rule", [*FRAME_SAMPLERS.values()])
@pytest.mark.parametrize(("frames", "clip"), [(0, 8), (8, 0)])
def test_empty_tracklets_and_clips_are_refused(rule, frames, clip):
    message = f"one frame and one clip frame, received {frames} and {clip}; leave empty"
    with pytest.raises(ValueError, match=message):
        rule(frames, clip, np.random.default_rng(0))


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


@given(frames=st.integers(1, 300), clip=st.integers(1, 16))
def test_consecutive_clips_show_every_frame_once_and_fill_up_with_the_last_clips_own(frames, clip):
    clips = consecutive_clips(frames, clip)
    assert all(len(positions) == clip for positions in clips)
    laid_out = [position for positions in clips for position in positions]
    assert laid_out[:frames] == list(range(frames))
    last_start = (len(clips) - 1) * clip
    assert set(laid_out[frames:]) <= set(range(last_start, frames))


def test_consecutive_clips_are_the_ones_of_the_specification():
    assert consecutive_clips(7, 4) == ((0, 1, 2, 3), (4, 5, 6, 4))
    assert consecutive_clips(3, 8) == ((0, 1, 2, 0, 1, 2, 0, 1),)
    assert consecutive_clips(8, 4) == ((0, 1, 2, 3), (4, 5, 6, 7))


@given(frames=st.integers(1, 300), clip=st.integers(1, 16))
def test_the_first_of_each_chunk_is_the_earliest_that_training_draws(frames, clip):
    positions = first_of_chunks(frames, clip)
    assert len(positions) == clip
    drawn = np.array(
        [restricted_random_sampling(frames, clip, np.random.default_rng(s)) for s in range(3)]
    )
    assert (drawn >= positions).all()
    if frames >= clip:
        assert positions == tuple(i * frames // clip for i in range(clip))


def test_the_first_of_each_chunk_of_a_short_tracklet_is_padded():
    assert first_of_chunks(3, 5) == (0, 1, 2, 2, 2)


@pytest.mark.parametrize("rule", [interleaved_clips, consecutive_clips, first_of_chunks])
@pytest.mark.parametrize(("frames", "clip"), [(0, 8), (8, 0)])
def test_clips_of_nothing_are_refused(rule, frames, clip):
    with pytest.raises(ValueError, match=f"received {frames} and {clip}; leave empty"):
        rule(frames, clip)
