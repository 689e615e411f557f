import json

import pytest
from typer.testing import CliRunner

from service.__main__ import cli
from service.client import video_enrolment
from service.client.client import ReidClient
from tests.tracked_videos import write_tracked_video


@pytest.fixture
def enroll(running, client, tmp_path):
    """Run `reid enroll-video` on the drawn video against the service; the result."""
    video, tracks = write_tracked_video(tmp_path)

    def invoke(*words: str, video=video, tracks=tracks):
        given = ["enroll-video", str(video), str(tracks), "--url", running.url, *words]
        return CliRunner().invoke(cli, given)

    return invoke


def test_it_enrolls_says_so_and_can_be_repeated(enroll, client: ReidClient):
    first = enroll("--camera", "hall", "--start", "2026-01-31T12:00:00Z")
    assert (first.exit_code, first.stdout) == (
        0,
        "enrolled 3 of 3 tracks: 3 new, 0 replaced, 0 there already\n",
    ), first.output
    assert "3/3" in first.stderr
    kept = client.get("hall-1")
    assert (kept.camera, kept.start) == ("hall", 1769860800.0)
    again = enroll("--camera", "hall", "--start", "1769860800")
    assert again.stdout == "enrolled 0 of 3 tracks: 0 new, 0 replaced, 3 there already\n"
    named = enroll("--camera", "hall", "--prefix", "x.", "--most-frames", "2", "--fps", "5")
    assert named.exit_code == 0
    assert client.get("x.3").camera == "hall"


def test_frames_of_a_tracklet_are_those_that_the_model_takes(enroll, client: ReidClient):
    said = json.loads(enroll("--camera", "hall", "--json").stdout)
    assert [one["tracklet_id"] for one in said["enrolled"]] == ["hall-1", "hall-2", "hall-3"]
    assert {one["frames"]["received"] for one in said["enrolled"]} == {
        client.model().preprocessing.most_frames
    }
    assert (said["already"], said["failed"], said["lines_left_out"]) == ([], [], 0)


def test_a_track_that_fails_is_said_and_makes_the_command_fail(enroll, tmp_path, client):
    tracks = tmp_path / "more.txt"
    text = (tmp_path / "hall.txt").read_text()
    tracks.write_text(text + "1,8,-99,5,9,9,1,1,1\n1,9,5,5,9,9,0,1,1\n")
    failed = enroll("--camera", "hall", tracks=tracks)
    assert failed.exit_code == 1
    assert "enrolled 3 of 4 tracks" in failed.stdout
    assert "hall-8: outside: expected a box of 4 px inside the picture" in failed.stderr
    assert "1 lines not to be considered were left out" in failed.stderr
    said = json.loads(enroll("--camera", "hall", "--json", tracks=tracks).stdout)
    assert [(one["tracklet_id"], one["code"]) for one in said["failed"]] == [("hall-8", "outside")]
    assert said["already"] == ["hall-1", "hall-2", "hall-3"]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--camera", "hall", "--start", "noon"), "expected --start to be ISO 8601 with an offset"),
        (("--camera", "hall", "--gallery", "nowhere"), "nowhere"),
        (("--camera", "a\nb"), "camera"),
        (("--camera", "hall", "--class-id", "5"), "name the class of people by --class-id"),
    ],
)
def test_what_cannot_be_is_said_in_words(enroll, words, text):
    failed = enroll(*words)
    assert failed.exit_code == 1
    assert failed.stderr.strip().splitlines()[-1].startswith("reid: expected ")
    assert text in failed.stderr.replace("\n", " ")


def test_files_that_are_not_there(enroll, tmp_path):
    assert "expected a video file at" in enroll("--camera", "c", video=tmp_path / "no").stderr
    assert (
        "expected a text file of tracks" in enroll("--camera", "c", tracks=tmp_path / "no").stderr
    )


def test_an_interrupted_command_says_what_it_did_and_how_to_go_on(enroll, monkeypatch):
    real = video_enrolment.wait
    calls = []

    def interrupted(running, **named):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(running, **named)

    monkeypatch.setattr(video_enrolment, "wait", interrupted)
    ended = enroll("--camera", "hall", "--concurrency", "1", "--json")
    assert ended.exit_code == 1
    assert 1 <= len(json.loads(ended.stdout)["enrolled"]) <= 2
    assert "interrupted; run the command again to enroll what is missing" in ended.stderr
