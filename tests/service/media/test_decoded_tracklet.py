import numpy as np
import pytest
from PIL import Image

from service.errors import NoReadableFrame
from service.media.decoded_tracklet import FrameRows, decoded_tracklet
from service.media.image_header import UnreadableImageError, read_header
from service.media.picture_files import decode_pictures
from service.media.pixels import decode_pixels
from tests.encoded_frames import drawn_picture, encoded, encoded_frame
from tests.media_decoding import FRAME_LIMITS, PREPROCESSING, ample_budget

OF_MODELS_SIZE = {"height": PREPROCESSING.height, "width": PREPROCESSING.width}


def cut_off(seed):
    noise = Image.effect_noise((PREPROCESSING.width, PREPROCESSING.height), 60 + seed)
    data = encoded(noise, "JPEG")
    return data[: len(data) // 2]


def test_a_jpeg_of_the_models_size_is_written_where_it_stays():
    data = encoded(drawn_picture(1, **OF_MODELS_SIZE), "JPEG")
    rows = FrameRows(2, PREPROCESSING)
    frame = decode_pixels(read_header(data), PREPROCESSING, rows.next_row())
    assert np.shares_memory(frame, rows.next_row())
    rows.keep(5, frame)
    assert np.array_equal(rows.frames, [decode_pixels(read_header(data), PREPROCESSING)])
    assert rows.used == (5,)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_any_other_is_copied_there(kind):
    data = encoded_frame(2, kind)
    rows = FrameRows(1, PREPROCESSING)
    rows.keep(0, decode_pixels(read_header(data), PREPROCESSING, rows.next_row()))
    assert np.array_equal(rows.frames[0], decode_pixels(read_header(data), PREPROCESSING))


def test_a_frame_that_breaks_off_leaves_nothing_behind_in_those_around_it():
    whole = [encoded(drawn_picture(seed, **OF_MODELS_SIZE), "JPEG") for seed in range(2)]
    rows = FrameRows(2, PREPROCESSING)
    with pytest.raises(UnreadableImageError):
        decode_pixels(read_header(cut_off(0)), PREPROCESSING, rows.next_row())
    assert rows.frames.shape == (0, 64, 32, 3)

    files = [whole[0], cut_off(1), whole[1]]
    tracklet = decode_pictures(files, FRAME_LIMITS, PREPROCESSING, ample_budget())
    assert tracklet.used == (0, 2)
    assert [frame.index for frame in tracklet.rejected] == [1]
    alone = [decode_pixels(read_header(data), PREPROCESSING) for data in whole]
    assert np.array_equal(tracklet.frames, alone)


def test_no_frame_is_an_error_with_the_first_reasons():
    reasons = {place: f"reason {place}" for place in range(5)}
    with pytest.raises(NoReadableFrame) as refusal:
        decoded_tracklet(FrameRows(0, PREPROCESSING), reasons, received=5, remedy="send others")
    assert str(refusal.value) == (
        "expected at least one readable frame, received 5 frames, none readable (frame 0: reason 0"
        " | frame 1: reason 1 | frame 2: reason 2 | and 2 more); send others"
    )
