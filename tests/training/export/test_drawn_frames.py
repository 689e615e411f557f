import numpy as np

from training.export.drawn_frames import golden_clip, parity_frames


def test_parity_frames_all_differ():
    frames = parity_frames((64, 32))
    assert frames.shape == (64, 64, 32, 3)
    assert len(np.unique(frames.reshape(64, -1), axis=0)) == 64


def test_the_golden_clip_is_the_same_every_time():
    assert golden_clip((64, 32)).shape == (4, 64, 32, 3)
    assert np.array_equal(golden_clip((64, 32)), golden_clip((64, 32)))
