import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.manifest import FrameChoice
from model.registry import build_model
from model.related.grl import GRLConfig
from tests.tiny_models import TINY_CNN, tiny_dcct
from training.evaluation.clip_plan import FRAME_CHOICE, ClipPlan, clip_plan

ARRANGEMENTS = ("interleaved", "consecutive", "single frames")


def counted(clips):
    return [
        position
        for clip in clips
        for position, counts in zip(clip.positions, clip.counted, strict=True)
        if counts
    ]


@given(st.integers(1, 70), st.integers(1, 9), st.sampled_from(ARRANGEMENTS))
def test_dense_counts_every_frame_exactly_once(frames, sampled, arrangement):
    plan = ClipPlan("dense", sampled, arrangement)
    clips = plan.clips(frames)
    assert sorted(counted(clips)) == list(range(frames))
    assert {len(clip.positions) for clip in clips} == {plan.clip_frames}


@given(st.integers(1, 70), st.integers(1, 9), st.sampled_from(ARRANGEMENTS))
def test_fast_sees_one_frame_of_each_chunk_once(frames, sampled, arrangement):
    clips = ClipPlan("fast", sampled, arrangement).clips(frames)
    chunks = min(frames, sampled)
    assert counted(clips) == [chunk * frames // chunks for chunk in range(chunks)]
    if arrangement != "single frames":
        assert len(clips) == 1
        assert len(clips[0].positions) == sampled


@given(st.integers(1, 200), st.sampled_from(ARRANGEMENTS))
def test_served_sees_what_the_manifest_chooses(frames, arrangement):
    clips = ClipPlan("served", 8, arrangement).clips(frames)
    assert sorted(counted(clips)) == list(FRAME_CHOICE.indices(frames))


@given(st.integers(1, 200), st.sampled_from([1, 8]), st.sampled_from(ARRANGEMENTS))
def test_so_many_frames_at_most_are_seen_evenly_spaced(frames, most, arrangement):
    clips = ClipPlan(str(most), 4, arrangement).clips(frames)
    seen = counted(clips)
    assert len(seen) == min(frames, most)
    assert sorted(seen) == list(FrameChoice(policy="evenly_spaced", most=most).indices(frames))


def test_one_frame_is_the_middle_one_whatever_the_clip():
    for arrangement in ARRANGEMENTS:
        (clip,) = ClipPlan("1", 4, arrangement).clips(9)
        assert {*clip.positions} == {4}
        assert sum(clip.counted) == 1


def test_a_very_long_tracklet_is_cut_as_the_specification_says():
    """Stride ⌈2000/8⌉ = 250, or runs of 8; nothing is repeated and nothing dropped."""
    clips = ClipPlan("dense", 8, "interleaved").clips(2000)
    assert len(clips) == 250
    assert clips[3].positions == tuple(range(3, 2000, 250))
    runs = ClipPlan("dense", 8, "consecutive").clips(2000)
    assert runs[249].positions == tuple(range(1992, 2000))


def test_what_fills_up_a_clip_is_not_counted_again():
    clips = ClipPlan("dense", 4, "interleaved").clips(6)
    assert [clip.positions for clip in clips] == [(0, 2, 4, 5), (1, 3, 5, 5)]
    assert [clip.counted for clip in clips] == [(True,) * 4, (True, True, False, False)]


def test_a_network_gets_the_clips_it_is_made_for():
    assert clip_plan(build_model(tiny_dcct()), "dense") == ClipPlan("dense", 4, "interleaved")
    student = build_model(tiny_dcct(spatial="gap", temporal="tap"))
    assert clip_plan(student, "fast") == ClipPlan("fast", 4, "single frames")
    grl = build_model(GRLConfig(backbone=TINY_CNN, height=64, width=32))
    assert clip_plan(grl, "served") == ClipPlan("served", 8, "consecutive")


def test_an_empty_tracklet_is_refused():
    with pytest.raises(ValueError, match="expected at least one frame, received 0; remove the"):
        ClipPlan("dense", 4, "interleaved").clips(0)
