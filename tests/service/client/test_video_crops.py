import contextlib
import io
import struct
import types

import av
import numpy as np
import pytest
from PIL import Image

from model.manifest import FrameChoice
from service.client import video_crops
from service.client.mot_tracks import Track, TrackBox, read_mot_tracks
from service.client.video_crops import (
    VideoError,
    VideoFacts,
    cut_tracks,
    plan_track,
    video_facts,
)
from tests.encoded_videos import encoded_video
from tests.people import COLOURS
from tests.tracked_videos import (
    BOX_HEIGHT,
    BOX_WIDTH,
    HEIGHT,
    PEOPLE,
    WIDTH,
    walking,
    write_tracked_video,
)

FOUR = FrameChoice(policy="evenly_spaced", most=4)
FACTS = VideoFacts(10, WIDTH, HEIGHT)


@pytest.fixture
def tracked(tmp_path):
    video, tracks = write_tracked_video(tmp_path)
    return video, read_mot_tracks(tracks, class_id=1).tracks


def colour_of(file):
    pixels = np.asarray(Image.open(io.BytesIO(file)))
    assert pixels.shape == (BOX_HEIGHT, BOX_WIDTH, 3)
    return pixels[20:36, 10:22].reshape(-1, 3).mean(axis=0)


def boxes_in(*boxes):
    return plan_track(Track(1, tuple(TrackBox(1, *box) for box in boxes)), FACTS, FOUR).boxes


def test_a_video_says_how_fast_and_how_large_it_is(tracked):
    assert video_facts(tracked[0]) == FACTS


def test_every_person_is_cut_out_where_the_track_says(tracked):
    video, tracks = tracked
    cuts = list(cut_tracks(video, [plan_track(track, FACTS, FOUR) for track in tracks]))

    assert sorted(cut.planned.track.track_id for cut in cuts) == [1, 2, 3]
    for cut in cuts:
        assert len(cut.frames) == 4
        assert [box.frame for box in cut.planned.boxes] == [3, 8, 13, 18]
        worn = COLOURS[PEOPLE[cut.planned.track.track_id - 1]]
        for file in cut.frames:
            assert np.abs(colour_of(file) - worn).max() < 12


def test_a_track_comes_out_as_soon_as_it_ends_and_the_rest_is_not_decoded(tracked, monkeypatch):
    video, tracks = tracked
    early = Track(1, tracks[0].boxes[:3])
    late = Track(2, tracks[1].boxes[5:9])
    decoded = []
    real = video_crops._pictures
    monkeypatch.setattr(
        video_crops,
        "_pictures",
        lambda path: (decoded.append(1) or picture for picture in real(path)),
    )

    stream = cut_tracks(video, [plan_track(track, FACTS, FOUR) for track in (early, late)])

    assert next(stream).planned.track.track_id == 1
    assert len(decoded) == 3
    assert [cut.planned.track.track_id for cut in stream] == [2]
    assert len(decoded) == late.boxes[-1].frame == 9


def test_a_track_beyond_the_end_never_comes(tracked):
    video, tracks = tracked
    beyond = Track(9, (*tracks[0].boxes, TrackBox(21, 0, 0, 20, 40)))
    every = FrameChoice(policy="evenly_spaced", most=99)
    cuts = list(cut_tracks(video, [plan_track(one, FACTS, every) for one in (beyond, tracks[1])]))
    assert [cut.planned.track.track_id for cut in cuts] == [2]


def test_boxes_are_clamped_to_the_picture_and_to_whole_pixels():
    assert boxes_in((-10.5, -3, 30, 60)) == (TrackBox(1, 0, 0, 20, 57),)
    assert boxes_in((10.4, 20.6, 5.2, 6.8)) == (TrackBox(1, 10, 20, 6, 8),)
    assert boxes_in((WIDTH - 8, HEIGHT - 9, 50, 50)) == (TrackBox(1, WIDTH - 8, HEIGHT - 9, 8, 9),)


@pytest.mark.parametrize("box", [(-30, 5, 30, 60), (WIDTH + 1, 5, 30, 60), (5, HEIGHT - 3, 9, 60)])
def test_boxes_of_which_nothing_is_left_are_not_chosen(box):
    assert boxes_in(box) == ()
    assert boxes_in(box, (5, 5, 30, 60)) == (TrackBox(1, 5, 5, 30, 60),)


def test_a_video_that_asks_to_be_turned_is_cut_as_it_is_shown(tmp_path):
    """A phone held upright: 240 x 160 pixels are stored, 160 x 240 are shown and tracked."""
    file = bytearray(encoded_video(walking(3), crf="12"))
    matrix = file.index(b"tkhd") + 4 + 40
    turned = (0, 1 << 16, 0, -(1 << 16), 0, 0, HEIGHT << 16, 0, 1 << 30)
    file[matrix : matrix + 36] = struct.pack(">9i", *turned)
    video = tmp_path / "phone.mp4"
    video.write_bytes(file)

    assert video_facts(video) == VideoFacts(25, HEIGHT, WIDTH)
    # Turned clockwise by a quarter: what was at (x, y) is at (HEIGHT - y, x).
    left, top = HEIGHT - 8 - BOX_HEIGHT, 4 + 2
    track = Track(1, (TrackBox(1, left, top, BOX_HEIGHT, BOX_WIDTH),))
    (cut,) = cut_tracks(video, [plan_track(track, VideoFacts(25, HEIGHT, WIDTH), FOUR)])
    pixels = np.asarray(Image.open(io.BytesIO(cut.frames[0])))
    worn = pixels[10:22, BOX_HEIGHT - 36 : BOX_HEIGHT - 20].reshape(-1, 3).mean(axis=0)
    assert np.abs(worn - COLOURS["red"]).max() < 12


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.mp4", "a text", "Invalid data"),
        ("a.txt", "1,1,20,20,40,80,1,1,1\n" * 200, "a file of another kind"),
        (
            "a.m3u8",
            "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nb.ts\n#EXT-X-ENDLIST\n",
            "a file of another kind",
        ),
    ],
)
def test_what_is_no_video(tmp_path, name, content, why):
    text = tmp_path / name
    text.write_text(content)
    with pytest.raises(
        VideoError, match=f"expected a video at .*, received: {why}.*; name another"
    ):
        video_facts(text)


def test_no_file_at_all(tmp_path):
    with pytest.raises(VideoError, match="expected a video file at .*, received nothing; name a f"):
        video_facts(tmp_path / "none.mp4")


class _Broken:
    """A container whose first packet cannot be decoded."""

    streams = types.SimpleNamespace(video=[types.SimpleNamespace(thread_type="")])

    def decode(self, _stream):
        raise av.error.InvalidDataError(1, "damage")


def test_a_video_that_breaks_off_says_where(tracked, tmp_path, monkeypatch):
    _, tracks = tracked
    monkeypatch.setattr(video_crops, "_opened", lambda _: contextlib.nullcontext(_Broken()))
    planned = [plan_track(track, FACTS, FOUR) for track in tracks]
    with pytest.raises(VideoError) as caught:
        list(cut_tracks(tmp_path / "a.mkv", planned))
    assert str(caught.value) == (
        f"expected a whole video at {tmp_path}/a.mkv, received damage behind frame 0 (damage); "
        "write the video again"
    )
