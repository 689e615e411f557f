"""Other light, other cameras: brightness, contrast, saturation, hue and grey as one 3×3 matrix.

All of them are linear in red, green and blue, so that however many are asked for, a frame costs one
product and one clipping.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.data.clip_config import ColourConfig

# Luma of ITU-R BT.601, and the two axes of colour of NTSC's YIQ, around which hues turn.
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_YIQ = np.array(
    [[0.299, 0.587, 0.114], [0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112]], np.float32
)
_FROM_YIQ = np.linalg.inv(_YIQ).astype(np.float32)

Matrix = NDArray[np.float32]


class Recolouring(NamedTuple):
    """Pixels p [3] → matrix · p + shift, clipped to 0–255.

    Attributes:
        matrix: [3, 3].
        shift: [3, 1].
    """

    matrix: Matrix
    shift: Matrix

    def __call__(self, pixels: NDArray[np.float32]) -> None:
        """Recolour [3, h, w] in place."""
        flat = pixels.reshape(3, -1)
        changed = np.clip(self.matrix @ flat + self.shift, 0, 255)
        pixels[...] = changed.reshape(pixels.shape)


def draw_recolouring(
    config: ColourConfig, frames: Sequence[NDArray[np.uint8]], generator: np.random.Generator
) -> Recolouring | None:
    """One change of colours for all frames of a clip, or none; draws as many numbers either way.

    Args:
        config: How far each may go.
        frames: [h, w, 3] each; contrast is that around their mean.
        generator: Where the randomness comes from.
    """
    chosen, grey = generator.random(2)
    brightness, contrast, saturation, hue = generator.uniform(-1, 1, size=4)
    if chosen >= config.probability and grey >= config.grey:
        return None
    matrix = np.eye(3, dtype=np.float32)
    shift = np.zeros((3, 1), np.float32)
    if chosen < config.probability:
        turned = _saturated(1 + config.saturation * saturation) @ _turned(config.hue * hue)
        gain = 1 + config.contrast * contrast
        light = 1 + config.brightness * brightness
        matrix = (light * gain * turned).astype(np.float32)
        shift += np.float32(light * (1 - gain) * _mean_luma(frames))
    if grey < config.grey:
        to_grey = _saturated(0.0)
        matrix, shift = to_grey @ matrix, to_grey @ shift
    return Recolouring(matrix, shift)


def _saturated(factor: float) -> Matrix:
    """Between grey (0) and the colours as they are (1), or beyond."""
    grey = np.tile(_LUMA, (3, 1))
    return (factor * np.eye(3) + (1 - factor) * grey).astype(np.float32)


def _turned(turns: float) -> Matrix:
    """Every hue turned by so many turns, luma kept."""
    cosine, sine = math.cos(2 * math.pi * turns), math.sin(2 * math.pi * turns)
    rotation = np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]], np.float32)
    matrix: Matrix = (_FROM_YIQ @ rotation @ _YIQ).astype(np.float32)
    return matrix


def _mean_luma(frames: Sequence[NDArray[np.uint8]]) -> float:
    means = np.mean([frame.mean(axis=(0, 1)) for frame in frames], axis=0)
    return float(means @ _LUMA)
