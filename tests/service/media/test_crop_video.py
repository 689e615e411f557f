import io
from contextlib import suppress

import av
import numpy as np
import pytest

from service.errors import DecodeBudgetExceeded, NoReadableFrame, TooManyFrames
from service.media import crop_video
from service.media.crop_video import decode_video
from service.media.decode_budget import DecodeBudget, DecodeLimits
from service.media.video_file import open_video
from service.media.video_limits import VideoLimits
from tests.encoded_videos import KINDS, encoded_video, place_of, shaded
from tests.media_decoding import FRAME_LIMITS, MEDIA_LIMITS, PREPROCESSING, ample_budget


def decoded(file, *, budget=None, video=MEDIA_LIMITS.video):
    return decode_video(file, (FRAME_LIMITS, video), PREPROCESSING, budget or ample_budget())


def refusal(file, error=NoReadableFrame, **options):
    with pytest.raises(error) as caught:
        decoded(file, **options)
    return str(caught.value)


@pytest.mark.parametrize(("codec", "container"), KINDS)
def test_the_manifests_choice_is_made_among_all_pictures_in_the_order_they_are_shown(
    codec, container
):
    pictures = shaded(21)

    tracklet = decoded(encoded_video(pictures, codec, container))

    assert tracklet.received == 21
    assert tracklet.used == PREPROCESSING.choice.indices(21)
    assert tracklet.rejected == ()
    assert (tracklet.frames.shape, tracklet.frames.dtype) == ((4, 64, 32, 3), np.uint8)
    for frame, index in zip(tracklet.frames, tracklet.used, strict=True):
        assert place_of(frame, pictures) == index


def test_red_green_and_blue_come_in_this_order():
    picture = np.full((64, 32, 3), (200, 100, 50), np.uint8)

    frame = decoded(encoded_video([picture])).frames[0]

    assert np.abs(frame.reshape(-1, 3).mean(axis=0) - [200, 100, 50]).max() < 4


def test_a_short_video_is_used_whole():
    tracklet = decoded(encoded_video(shaded(2)))
    assert (tracklet.received, tracklet.used) == (2, (0, 1))


def test_pictures_of_another_size_are_made_the_models():
    assert decoded(encoded_video(shaded(3, height=90, width=46))).frames.shape == (3, 64, 32, 3)


def test_too_many_pictures():
    assert refusal(encoded_video(shaded(61)), TooManyFrames) == (
        "expected a video of at most 60 pictures, received more; "
        "cut it shorter, or raise REID_MAX_VIDEO_FRAMES"
    )
    assert decoded(encoded_video(shaded(60))).received == 60


def test_a_video_that_lasts_too_long():
    file = encoded_video(shaded(33), rate=1)
    assert refusal(file, TooManyFrames) == (
        "expected a video of at most 30 s, received one of 32 s; "
        "cut it shorter, or raise REID_MAX_VIDEO_S"
    )
    assert decoded(file, video=VideoLimits(60, 32.0)).received == 33


@pytest.mark.parametrize("size", [(1100, 16), (400, 300)])
def test_pictures_that_are_too_large_are_refused_before_one_is_decoded(size):
    budget = DecodeBudget(DecodeLimits(cpu_s=60, pixels=0), lambda: None)
    file = encoded_video([np.zeros((*size, 3), np.uint8)])
    assert f"received {size[1]} x {size[0]} px" in refusal(file, budget=budget)


def test_every_picture_up_to_the_last_chosen_one_counts():
    file = encoded_video(shaded(21), "mjpeg", "avi")  # one picture in, one picture out
    last = PREPROCESSING.choice.indices(21)[-1]
    enough = DecodeBudget(DecodeLimits(cpu_s=60, pixels=(last + 1) * 128 * 64), lambda: None)
    assert len(decoded(file, budget=enough).used) == 4
    short = DecodeBudget(DecodeLimits(cpu_s=60, pixels=last * 128 * 64), lambda: None)
    assert "pixels in the frames of a tracklet" in refusal(file, DecodeBudgetExceeded, budget=short)


def test_a_damaged_picture_is_rejected_and_does_not_shift_the_others():
    pictures = shaded(21)
    file = bytearray(encoded_video(pictures, "mjpeg", "matroska"))
    damaged = PREPROCESSING.choice.indices(21)[1]
    with av.open(io.BytesIO(bytes(file))) as container:
        packet = [p for p in container.demux(video=0) if p.size][damaged]
        content = bytes(packet)
    place = file.index(content)
    file[place : place + len(content)] = bytes(len(content))

    tracklet = decoded(bytes(file))

    assert [frame.index for frame in tracklet.rejected] == [damaged]
    assert tracklet.rejected[0].reason == (
        "expected a whole picture, received data that cannot be decoded; send the file again"
    )
    for frame, index in zip(tracklet.frames, tracklet.used, strict=True):
        assert place_of(frame, pictures) == index


def test_a_video_of_damaged_pictures_alone():
    file = bytearray(encoded_video(shaded(3), "mjpeg", "matroska"))
    with av.open(io.BytesIO(bytes(file))) as container:
        contents = [bytes(p) for p in container.demux(video=0) if p.size]
    for content in contents:
        place = file.index(content)
        file[place : place + len(content)] = bytes(len(content))
    text = refusal(bytes(file))
    assert "received 3 frames, none readable (frame 0: expected a whole picture" in text
    assert text.endswith("; send a video of crops of one person that plays to its end")


@pytest.mark.parametrize(("codec", "container"), KINDS)
def test_a_video_that_was_cut_off_is_read_up_to_there_or_refused(codec, container):
    file = encoded_video(shaded(21), codec, container)
    for kept in (0.02, 0.3, 0.9):
        try:
            tracklet = decoded(file[: int(len(file) * kept)])
        except NoReadableFrame:
            continue
        assert 1 <= tracklet.received <= 21


def test_bytes_changed_anywhere_are_read_or_refused():
    places = np.random.default_rng(0)
    for codec, container in (("libx264", "mp4"), ("libvpx-vp9", "webm"), ("mpeg4", "avi")):
        file = encoded_video(shaded(9), codec, container)
        for _ in range(40):
            damaged = bytearray(file)
            for place in places.integers(0, len(file), 8):
                damaged[place] = places.integers(0, 256)
            with suppress(NoReadableFrame, TooManyFrames, DecodeBudgetExceeded):
                assert decoded(bytes(damaged)).frames.shape[1:] == (64, 32, 3)


def test_pictures_that_the_container_cuts_away_are_not_counted():
    pictures = shaded(21)
    file = bytearray(encoded_video(pictures))
    place = file.index(b"elst") + 16  # where in the media the presentation begins
    begin = int.from_bytes(file[place : place + 4], "big")
    file[place : place + 4] = (begin + 5 * 512).to_bytes(4, "big")

    tracklet = decoded(bytes(file))

    assert tracklet.received == 16
    assert [place_of(frame, pictures) - 5 for frame in tracklet.frames] == list(tracklet.used)


def test_a_container_cannot_hold_more_than_its_file():
    """An index may name the same bytes over and over, and a codec of its own may pack them."""
    file = encoded_video(shaded(21))
    with open_video(file, max_pixels=10**6) as video, pytest.raises(NoReadableFrame) as caught:
        crop_video._packets(video, MEDIA_LIMITS.video, most_bytes=500, budget=ample_budget())
    assert "received pictures that are larger than the file" in str(caught.value)
