"""Clip-consistent augmentation: every frame of a clip gets the same flip, crop, colours, erasing.

Flipping and cropping only choose where a frame's bytes go, so that each frame is copied once.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from model.normalization import IMAGENET_MEAN, IMAGENET_STD
from training.data.clip_config import AugmentationConfig
from training.data.recolouring import draw_recolouring

# As `FrameNormalization` has them: what is learned from is bit for bit what is evaluated.
_MEAN = np.array(IMAGENET_MEAN, np.float32).reshape(3, 1, 1) * 255
_STD = np.array(IMAGENET_STD, np.float32).reshape(3, 1, 1) * 255

_ERASING_TRIES = 10

Pixels = NDArray[np.uint8]
Normalized = NDArray[np.float32]


class ClipTransform:
    """Flip, pad and crop, normalise, erase (spec §1.8), with parameters drawn once for a clip.

    Colours, where they are to change, do so between cropping and normalising.
    """

    def __init__(self, config: AugmentationConfig) -> None:
        self._config = config

    def __call__(
        self,
        frames: Sequence[Pixels],
        generator: np.random.Generator,
        out: Normalized,
        *,
        other: Pixels | None = None,
    ) -> None:
        """Augment a clip of resized frames.

        Args:
            frames: t of [h, w, 3].
            generator: Where the randomness comes from.
            out: [t, 3, h, w], overwritten.
            other: [h, w, 3], a frame that erasing shows a part of; for the fill `frame`.
        """
        flipped = generator.random() < self._config.flip
        most_px = self._config.pad_px
        down, right = (int(d) for d in generator.integers(-most_px, most_px + 1, size=2))
        colour = self._config.colour
        recolour = None if colour is None else draw_recolouring(colour, frames, generator)
        for frame, target in zip(frames, out, strict=True):
            seen = _place(frame[:, ::-1] if flipped else frame, target, down=down, right=right)
            if recolour is not None:
                recolour(seen)
        np.subtract(out, _MEAN, out=out)
        np.divide(out, _STD, out=out)
        if not self._config.erasing_per_frame:
            self._erase(out, generator, other)
            return
        for position in range(len(out)):
            self._erase(out[position : position + 1], generator, other)

    def _erase(self, out: Normalized, generator: np.random.Generator, other: Pixels | None) -> None:
        """Fill one rectangle, the same in every frame, or none."""
        if generator.random() >= self._config.erasing:
            return
        rectangle = self._rectangle(out.shape[-2], out.shape[-1], generator)
        if rectangle is None:
            return
        rows, columns = rectangle
        part = None if other is None else other[rows, columns]
        out[..., rows, columns] = self._fill(generator, part)

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

    def _fill(self, generator: np.random.Generator, part: Pixels | None) -> Normalized:
        if part is not None:
            return (part.transpose(2, 0, 1).astype(np.float32) - _MEAN) / _STD
        if self._config.erasing_fill == "zero":
            return np.zeros((3, 1, 1), np.float32)
        colour = generator.integers(256, size=(3, 1, 1)).astype(np.float32)
        return (colour - _MEAN) / _STD


def _place(frame: Pixels, target: Normalized, *, down: int, right: int) -> Normalized:
    """Copy a frame to [3, h, w], shifted, with black where it no longer reaches.

    Any shift by p pixels at most is a crop of the old size out of the frame padded by p.

    Returns:
        The part of `target` [3, ...] that shows the frame.
    """
    _, height, width = target.shape
    to_rows, from_rows = _overlap(down, height)
    to_columns, from_columns = _overlap(right, width)
    target[:, : to_rows.start] = 0
    target[:, to_rows.stop :] = 0
    target[:, to_rows, : to_columns.start] = 0
    target[:, to_rows, to_columns.stop :] = 0
    seen = target[:, to_rows, to_columns]
    seen[...] = frame[from_rows, from_columns].transpose(2, 0, 1)
    return seen


def _overlap(shift: int, length: int) -> tuple[slice, slice]:
    """Where the part that is still seen comes to lie, and where it lay."""
    seen = max(length - abs(shift), 0)
    to, origin = min(max(shift, 0), length), max(-shift, 0)
    return slice(to, to + seen), slice(origin, origin + seen)
