import io
import time
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from service.errors import DecodeBudgetExceeded, NoReadableFrame
from service.media import picture_files
from service.media.decode_budget import DecodeBudget, DecodeLimits
from service.media.decoded_tracklet import RejectedFrame
from service.media.picture_files import decode_pictures
from tests.encoded_frames import drawn_picture, encoded, encoded_frame, png_header
from tests.media_decoding import FRAME_LIMITS, PREPROCESSING, ample_budget, truncated_jpeg

TEXT = b"a text named .jpg"


def decoded(files, budget=None):
    return decode_pictures(files, FRAME_LIMITS, PREPROCESSING, budget or ample_budget())


def rows(*files):
    pictures = [Image.open(io.BytesIO(data)).convert("RGB") for data in files]
    return np.stack([p.resize((32, 64), Image.Resampling.BILINEAR) for p in pictures])


def test_frames_keep_their_order():
    files = [encoded_frame(seed, kind) for seed, kind in enumerate(("JPEG", "PNG", "WEBP"))]

    tracklet = decoded(files)

    assert np.array_equal(tracklet.frames, rows(*files))
    assert tracklet.frames.dtype == np.uint8
    assert (tracklet.received, tracklet.used, tracklet.rejected) == (3, (0, 1, 2), ())


def test_long_tracklet_is_thinned_as_the_manifest_says():
    files = [encoded_frame(seed) for seed in range(9)]

    tracklet = decoded(files)

    assert tracklet.used == PREPROCESSING.choice.indices(9)
    assert np.array_equal(tracklet.frames, rows(*(files[index] for index in tracklet.used)))


def test_frames_are_chosen_among_those_with_a_good_header():
    files = [encoded_frame(seed) for seed in range(9)]
    files[3] = TEXT

    tracklet = decoded(files)

    good = [0, 1, 2, 4, 5, 6, 7, 8]
    assert tracklet.used == tuple(good[place] for place in PREPROCESSING.choice.indices(8))
    assert tracklet.received == 9
    assert tracklet.rejected == (
        RejectedFrame(
            3,
            "expected JPEG, PNG, WEBP data, received 17 bytes of no known picture format; "
            "convert the frame",
        ),
    )


def test_chosen_frame_with_bad_pixels_is_rejected_and_not_replaced():
    files = [encoded_frame(seed) for seed in range(8)]
    chosen = PREPROCESSING.choice.indices(8)
    files[chosen[1]] = truncated_jpeg(1)

    tracklet = decoded(files)

    assert tracklet.used == (chosen[0], *chosen[2:])
    assert [frame.index for frame in tracklet.rejected] == [chosen[1]]
    assert "expected a whole JPEG picture of 40 x 90 px" in tracklet.rejected[0].reason


def test_rest_is_tried_when_no_chosen_frame_can_be_read():
    files = [encoded_frame(seed) for seed in range(8)]
    chosen = PREPROCESSING.choice.indices(8)
    for index in chosen:
        files[index] = truncated_jpeg(index)

    tracklet = decoded(files)

    assert tracklet.used == tuple(sorted(set(range(8)) - set(chosen)))
    assert tuple(frame.index for frame in tracklet.rejected) == chosen


def test_same_upload_gives_the_same_answer():
    files = [encoded_frame(0), truncated_jpeg(1), TEXT, *(encoded_frame(s) for s in range(9))]

    first, second = decoded(files), decoded(files)

    assert np.array_equal(first.frames, second.frames)
    assert (first.used, first.rejected) == (second.used, second.rejected)


def test_no_readable_frame_lists_the_first_reasons():
    with pytest.raises(NoReadableFrame) as refusal:
        decoded([b"", TEXT, truncated_jpeg(0), b"", b""])

    assert refusal.value.expected == "at least one readable frame"
    assert refusal.value.received.startswith(
        "5 frames, none readable (frame 0: expected a picture, received 0 bytes; "
        "send the file's content | frame 1: expected JPEG, PNG, WEBP data, received 17 bytes"
    )
    assert refusal.value.received.endswith(" | and 2 more)")
    assert refusal.value.remedy == "send whole JPEG, PNG, WEBP files in the field `frames`"


def test_no_frame_at_all():
    with pytest.raises(NoReadableFrame, match="received 0 frames, none readable; send"):
        decoded([])


def test_huge_picture_costs_neither_time_nor_memory():
    tracemalloc.start()
    started_s = time.perf_counter()
    with pytest.raises(NoReadableFrame, match="received 50000 x 50000 px"):
        decoded([png_header(50_000, 50_000)])
    elapsed_s = time.perf_counter() - started_s
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert elapsed_s < 1
    assert peak_bytes < 2**20


def test_no_pixel_of_an_oversized_picture_is_decoded(monkeypatch):
    calls = []
    monkeypatch.setattr(picture_files, "decode_pixels", lambda *_: calls.append(1))
    big = encoded(drawn_picture(1, height=1001))

    with pytest.raises(NoReadableFrame):
        decoded([big])

    assert calls == []


def test_pixels_of_the_chosen_files_count_and_those_of_others_do_not():
    files = [encoded_frame(seed) for seed in range(9)]
    enough = DecodeBudget(DecodeLimits(cpu_s=60, pixels=4 * 40 * 90), lambda: None)
    assert len(decoded(files, enough).used) == 4
    short = DecodeBudget(DecodeLimits(cpu_s=60, pixels=4 * 40 * 90 - 1), lambda: None)
    with pytest.raises(DecodeBudgetExceeded, match="at most 14399 pixels"):
        decoded(files, short)


def test_files_that_are_all_broken_cannot_cost_more_than_the_budget():
    files = [truncated_jpeg(0)] * 9
    short = DecodeBudget(DecodeLimits(cpu_s=60, pixels=6 * 40 * 90), lambda: None)
    with pytest.raises(DecodeBudgetExceeded):
        decoded(files, short)
