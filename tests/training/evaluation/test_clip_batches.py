import threading

import numpy as np
import pytest

from training.data.frame_reading import read_frame
from training.data.tracklet import Tracklet
from training.evaluation import clip_batches as clip_batches_module
from training.evaluation.clip_batches import BATCHES_AHEAD, clip_batches
from training.evaluation.clip_plan import ClipPlan

DENSE = ClipPlan("dense", 4, "interleaved")


def test_batches_hold_every_clip_in_order_with_its_pixels(drawn_tracklets):
    batches = list(clip_batches(drawn_tracklets[:3], DENSE, size=(64, 32), frames_per_batch=8))
    assert [batch.tracklets for batch in batches] == [(0, 1), (2,)]
    expected = [read_frame(path, height=64, width=32) for path in drawn_tracklets[1].frames]
    assert np.array_equal(batches[0].pixels[1], np.stack(expected))
    assert batches[0].counted.all()


def test_a_clip_longer_than_the_budget_is_a_batch_of_its_own(drawn_tracklets):
    batches = list(clip_batches(drawn_tracklets[:2], DENSE, size=(64, 32), frames_per_batch=1))
    assert [batch.pixels.shape for batch in batches] == [(1, 4, 64, 32, 3)] * 2


def test_a_very_long_tracklet_is_never_in_memory_whole(drawn_tracklets, monkeypatch):
    """2,000 frames and short tracklets: frames that are read but not yet used stay few."""
    frames = drawn_tracklets[0].frames
    long = Tracklet("long", 1, 1, tuple(frames[i % len(frames)] for i in range(2000)))
    alive, most, lock = 0, 0, threading.Lock()

    def watched(path, *, height, width):
        nonlocal alive, most
        with lock:
            alive += 1
            most = max(most, alive)
        return np.zeros((height, width, 3), np.uint8)

    monkeypatch.setattr(clip_batches_module, "read_frame", watched)
    plan = ClipPlan("dense", 8, "interleaved")
    mixed = [*drawn_tracklets[:2], long, *drawn_tracklets[2:4]]
    seen = 0
    for batch in clip_batches(mixed, plan, size=(8, 4), frames_per_batch=64):
        assert batch.counted.size <= 64
        seen += int(batch.counted.sum())
        with lock:
            alive -= int(batch.counted.sum())
    assert seen == 2000 + 4 * 4
    assert most <= (BATCHES_AHEAD + 2) * 64


def test_a_frame_that_cannot_be_read_is_named(drawn_tracklets, tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"not an image")
    tracklets = [drawn_tracklets[0], Tracklet("broken", 1, 1, (broken,))]
    with pytest.raises(ValueError, match=r"expected a whole image at .*broken\.jpg"):
        list(clip_batches(tracklets, DENSE, size=(64, 32), frames_per_batch=64))


def test_a_budget_of_no_frames_is_refused(drawn_tracklets):
    batches = clip_batches(drawn_tracklets, DENSE, size=(64, 32), frames_per_batch=0)
    with pytest.raises(ValueError, match="expected a budget of at least one frame, received 0; ra"):
        next(batches)
