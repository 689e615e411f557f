"""Frames on disk beside the frames that were drawn."""

import numpy as np
from PIL import Image


def assert_shows(tracklet, drawn):
    """Every frame of a tracklet is the drawn one, as far as JPEG keeps it."""
    for path, frame in zip(tracklet.frames, drawn.frames, strict=True):
        with Image.open(path) as image:
            assert np.abs(np.asarray(image).astype(int) - frame).mean() < 6
