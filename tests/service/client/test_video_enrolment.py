import pytest

from service.api.schemas import SearchOptionsBody
from service.client import video_enrolment
from service.client.client import ReidClient
from service.client.connection import ReidClientError
from service.client.mot_tracks import MotTracks, Track, TrackBox, read_mot_tracks
from service.client.video_crops import VideoError
from service.client.video_enrolment import VideoEnrolment, VideoSource, VideoTarget
from service.errors import InvalidIdentifier
from tests.people import frames_of
from tests.tracked_videos import write_tracked_video

START_S = 1_700_000_000.0
TARGET = VideoTarget("default", most_frames=4, concurrency=2)


@pytest.fixture
def tracked(tmp_path):
    video, tracks = write_tracked_video(tmp_path)
    return VideoSource(video, "hall", START_S, None, "hall-"), read_mot_tracks(tracks, class_id=1)


def enrolled(client, source, tracks, target=TARGET):
    outcomes = VideoEnrolment(client, source, target).outcomes(tracks)
    return {outcome.tracklet_id: outcome for outcome in outcomes}


def changed(source, **values):
    known = {name: getattr(source, name) for name in VideoSource.__slots__}
    return VideoSource(**{**known, **values})


def test_each_track_is_a_tracklet_with_camera_and_times(client: ReidClient, tracked):
    outcomes = enrolled(client, *tracked)

    assert sorted(outcomes) == ["hall-1", "hall-2", "hall-3"]
    for tracklet_id, outcome in outcomes.items():
        assert outcome.answer.created
        assert outcome.answer.frames.used == 4
        kept = client.get(tracklet_id)
        assert (kept.camera, kept.identity) == ("hall", None)
        assert (kept.start, kept.end) == (START_S, pytest.approx(START_S + 1.9))


def test_people_are_found_again_by_other_pictures_of_them(client: ReidClient, tracked):
    enrolled(client, *tracked)
    for place, person in enumerate(("red", "blue", "green"), 1):
        found = client.search(frames_of(person), SearchOptionsBody(top_k=1))
        assert [match.tracklet_id for match in found.matches] == [f"hall-{place}"]


def test_without_a_start_there_are_no_times_and_fps_can_be_said(client: ReidClient, tracked):
    source, tracks = tracked
    enrolled(client, changed(source, start_s=None), tracks)
    kept = client.get("hall-1")
    assert (kept.start, kept.end) == (None, None)
    enrolled(client, changed(source, fps=1.0), tracks)
    assert client.get("hall-1").end == START_S + 19


def test_again_it_enrolls_only_what_is_missing_and_decodes_nothing_else(
    client: ReidClient, tracked, monkeypatch
):
    enrolled(client, *tracked)
    client.delete("hall-2")
    sent = []
    real = video_enrolment.cut_tracks
    monkeypatch.setattr(
        video_enrolment, "cut_tracks", lambda path, left: sent.append(left) or real(path, left)
    )

    outcomes = enrolled(client, *tracked)

    assert [outcomes[f"hall-{n}"].already for n in (1, 2, 3)] == [True, False, True]
    assert outcomes["hall-2"].answer.created
    assert [[one.track.track_id for one in left] for left in sent] == [[2]]


@pytest.mark.parametrize(
    "change", [{"camera": "door"}, {"start_s": START_S + 1}, {"fps": 25.0}, {"start_s": None}]
)
def test_what_came_out_differently_is_replaced(client: ReidClient, tracked, change):
    source, tracks = tracked
    enrolled(client, source, tracks)
    outcomes = enrolled(client, changed(source, **change), tracks)
    assert [outcome.answer.created for outcome in outcomes.values()] == [False] * 3


def test_other_boxes_or_another_video_replace_what_is_there(client: ReidClient, tracked):
    source, tracks = tracked
    enrolled(client, source, tracks)
    first, *rest = tracks.tracks
    moved = (TrackBox(b.frame, b.left + 1, b.top, b.width, b.height) for b in first.boxes)
    outcomes = enrolled(client, source, MotTracks((Track(1, tuple(moved)), *rest), 0))
    assert [outcomes[f"hall-{n}"].already for n in (1, 2, 3)] == [False, True, True]
    source.path.write_bytes(source.path.read_bytes() + b"\x00\x00\x00\x08free")
    assert not any(outcome.already for outcome in enrolled(client, source, tracks).values())


def test_a_track_outside_and_one_beyond_the_end_fail_alone(client: ReidClient, tracked):
    source, tracks = tracked
    outside = Track(8, (TrackBox(1, -90, 5, 30, 60),))
    beyond = Track(9, (TrackBox(500, 5, 5, 30, 60),))
    outcomes = enrolled(client, source, MotTracks((*tracks.tracks, outside, beyond), 0))
    assert outcomes["hall-8"].error_code == "outside"
    assert outcomes["hall-8"].error == (
        "expected a box of 4 px inside the picture, received none; check the boxes"
    )
    assert outcomes["hall-9"].error_code == "beyond_the_end"
    assert outcomes["hall-9"].error == (
        "expected a video of 500 frames, received a shorter one; name the video that was tracked"
    )
    assert sum(outcome.answer is not None for outcome in outcomes.values()) == 3


def test_a_refusal_stays_with_its_track(client: ReidClient, tracked, monkeypatch):
    real = ReidClient.enroll

    def enroll(self, tracklet_id, *arguments, **named):
        if tracklet_id == "hall-2":
            raise ReidClientError("text", status=422, code="no_readable_frame")
        return real(self, tracklet_id, *arguments, **named)

    monkeypatch.setattr(ReidClient, "enroll", enroll)
    outcomes = enrolled(client, *tracked)
    assert (outcomes["hall-2"].error_code, outcomes["hall-2"].error) == (
        "no_readable_frame",
        "text",
    )
    assert outcomes["hall-1"].answer.created


def test_a_gallery_that_is_not_there_is_said_at_once(client: ReidClient, tracked):
    with pytest.raises(ReidClientError) as caught:
        enrolled(client, *tracked, VideoTarget("nowhere", 4, 2))
    assert caught.value.code == "gallery_not_found"


def test_names_that_cannot_be_are_refused_before_anything_is_sent(client: ReidClient, tracked):
    source, _ = tracked
    for change in ({"camera": ""}, {"prefix": "a/b\n"}):
        with pytest.raises(InvalidIdentifier):
            VideoEnrolment(client, changed(source, **change), TARGET)


def test_a_video_of_unknown_speed_needs_fps(client: ReidClient, tracked, monkeypatch):
    source, _ = tracked
    real = video_enrolment.video_facts
    monkeypatch.setattr(
        video_enrolment,
        "video_facts",
        lambda path: video_enrolment.VideoFacts(0.0, real(path).width, real(path).height),
    )
    with pytest.raises(VideoError, match="received none; say it by --fps"):
        VideoEnrolment(client, source, TARGET)
    VideoEnrolment(client, changed(source, fps=25.0), TARGET)
