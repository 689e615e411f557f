"""The baseline every claim stands beside: colour histograms of horizontal stripes, no learning."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

STRIPES = 6
HUE_BINS, SATURATION_BINS, VALUE_BINS = 16, 8, 8


def histogram_embeddings(means: NDArray[np.floating]) -> NDArray[np.float64]:
    """Mean histograms [n, 6 · (16 + 8 + 8)] of tracklets → embeddings, each of length 1.

    Square roots are taken (Hellinger), so that the cosine compares distributions.
    """
    roots = np.sqrt(means.astype(np.float64))
    embeddings: NDArray[np.float64] = roots / np.linalg.norm(roots, axis=1, keepdims=True)
    return embeddings


def frame_histogram(frame: NDArray[np.uint8]) -> NDArray[np.float64]:
    """A frame [h, w, 3] RGB → [6 · (16 + 8 + 8)], each histogram adding up to at most 1.

    The frame is cut into six stripes from head to feet; every stripe gives histograms of hue
    (weighted by saturation, since grey has none), saturation and value.
    """
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
