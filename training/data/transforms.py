"""Clip-consistent augmentation: every frame of a clip gets the same flip, crop and erasing.

Frames stay bytes until the last step, so that flipping and cropping move a quarter of the memory.
"""

import math

import numpy as np
from numpy.typing import NDArray

from model.normalization import IMAGENET_MEAN, IMAGENET_STD
from training.data.clip_config import AugmentationConfig

# As `FrameNormalization` has them: what is learned from is bit for bit what is evaluated.
_MEAN = np.array(IMAGENET_MEAN, np.float32).reshape(3, 1, 1) * 255
_STD = np.array(IMAGENET_STD, np.float32).reshape(3, 1, 1) * 255

_ERASING_TRIES = 10

Pixels = NDArray[np.uint8]
Normalized = NDArray[np.float32]


class ClipTransform:
    """Flip, pad and crop, normalise, erase (spec §1.8), with parameters drawn once for a clip."""

    def __init__(self, config: AugmentationConfig) -> None:
        self._config = config

    def __call__(self, frames: Pixels, generator: np.random.Generator, out: Normalized) -> None:
        """Augment a clip of resized frames.

        Args:
            frames: [t, h, w, 3].
            generator: Where the randomness comes from.
            out: [t, 3, h, w], overwritten.
        """
        if generator.random() < self._config.flip:
            frames = frames[:, :, ::-1]
        if self._config.pad_px:
            frames = _shifted(frames, generator, most_px=self._config.pad_px)
        _normalize(frames, out)
        if not self._config.erasing_per_frame:
            self._erase(out, generator)
            return
        for position in range(len(out)):
            self._erase(out[position : position + 1], generator)

    def _erase(self, out: Normalized, generator: np.random.Generator) -> None:
        """Fill one rectangle, the same in every frame, or none."""
        if generator.random() >= self._config.erasing:
            return
        rectangle = self._rectangle(out.shape[-2], out.shape[-1], generator)
        if rectangle is None:
            return
        rows, columns = rectangle
        out[..., rows, columns] = self._fill(generator)

    def _rectangle(
        self, height: int, width: int, generator: np.random.Generator
    ) -> tuple[slice, slice] | None:
        """Rows and columns, or None where no drawn rectangle fits into the frame."""
        narrowest, tallest = self._config.erasing_aspect
        for _ in range(_ERASING_TRIES):
            area = generator.uniform(*self._config.erasing_area) * height * width
            aspect = math.exp(generator.uniform(math.log(narrowest), math.log(tallest)))
            rows = round(math.sqrt(area * aspect))
            columns = round(math.sqrt(area / aspect))
            if 0 < rows < height and 0 < columns < width:
                top = int(generator.integers(height - rows + 1))
                left = int(generator.integers(width - columns + 1))
                return slice(top, top + rows), slice(left, left + columns)
        return None

    def _fill(self, generator: np.random.Generator) -> Normalized:
        if self._config.erasing_fill == "zero":
            return np.zeros((3, 1, 1), np.float32)
        colour = generator.integers(256, size=(3, 1, 1)).astype(np.float32)
        return (colour - _MEAN) / _STD


def _shifted(frames: Pixels, generator: np.random.Generator, *, most_px: int) -> Pixels:
    """Pad with `most_px` of black all round, and cut a frame of the old size out anywhere."""
    down, right = (int(d) for d in generator.integers(-most_px, most_px + 1, size=2))
    _, height, width, _ = frames.shape
    shifted = np.zeros_like(frames, order="C")
    to_rows, from_rows = _overlap(down, height)
    to_columns, from_columns = _overlap(right, width)
    shifted[:, to_rows, to_columns] = frames[:, from_rows, from_columns]
    return shifted


def _overlap(shift: int, length: int) -> tuple[slice, slice]:
    """Where the part that is still seen comes to lie, and where it lay."""
    seen = max(length - abs(shift), 0)
    to, origin = max(shift, 0), max(-shift, 0)
    return slice(to, to + seen), slice(origin, origin + seen)


def _normalize(frames: Pixels, out: Normalized) -> None:
    np.copyto(out, frames.transpose(0, 3, 1, 2))
    np.subtract(out, _MEAN, out=out)
    np.divide(out, _STD, out=out)
