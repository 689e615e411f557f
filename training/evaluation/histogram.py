"""The baseline every claim stands beside: colour histograms of horizontal stripes, no learning."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

STRIPES = 6
HUE_BINS, SATURATION_BINS, VALUE_BINS = 16, 8, 8


def histogram_embedding(frames: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Frames [t, h, w, 3] RGB → embedding [6 · (16 + 8 + 8)], L2-normalised.

    Each frame is cut into six stripes from head to feet; every stripe gives histograms of hue
    (weighted by saturation, since grey has none), saturation and value. Frames are averaged and
    square roots taken (Hellinger), so that the cosine compares distributions.

    Raises:
        ValueError: When there are no frames.
    """
    if len(frames) == 0:
        raise ValueError("expected at least one frame, received none; check the tracklet")
    mean = np.mean([_frame_histogram(frame) for frame in frames], axis=0)
    root = np.sqrt(mean)
    embedding: NDArray[np.float64] = root / np.linalg.norm(root)
    return embedding


def _frame_histogram(frame: NDArray[np.uint8]) -> NDArray[np.float64]:
    hsv = np.asarray(Image.fromarray(frame).convert("HSV"), dtype=np.float64)
    return np.concatenate([_stripe_histogram(stripe) for stripe in np.array_split(hsv, STRIPES)])


def _stripe_histogram(stripe: NDArray[np.float64]) -> NDArray[np.float64]:
    hue, saturation, value = stripe.reshape(-1, 3).T
    whole = (0, 256)
    histograms = (
        np.histogram(hue, HUE_BINS, whole, weights=saturation / 255)[0],
        np.histogram(saturation, SATURATION_BINS, whole)[0],
        np.histogram(value, VALUE_BINS, whole)[0],
    )
    return np.concatenate(histograms) / len(hue)
