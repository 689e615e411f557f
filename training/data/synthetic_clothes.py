"""A garment on the trunk: its outline, the shading of its folds, and its pattern."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import cos, sin
from typing import Protocol

import numpy as np

from training.data.synthetic_gait import Joint, Pose
from training.data.synthetic_person import Garment, Pattern, Rgb, shaded


class Polygons(Protocol):
    """What a garment is drawn with: polygons in body heights."""

    def polygon(self, points: Sequence[tuple[float, float]], colour: Rgb) -> None:
        """Fill a polygon."""


@dataclass(frozen=True)
class Panel:
    """A piece of cloth between two heights; `outline` is (up, half width) from bottom to top.

    Points on it are addressed by `up` (0 bottom, 1 top) and `across` (-1 left edge, 1 right edge),
    so that a pattern stays on the cloth when the body moves or the camera changes.
    """

    bottom: Joint
    top: Joint
    outline: Sequence[tuple[float, float]]

    def point(self, up: float, across: float) -> tuple[float, float]:
        """Where a place on the cloth is, in body heights."""
        heights, halves = zip(*self.outline, strict=True)
        half = float(np.interp(up, heights, halves))
        x = self.bottom.x + up * (self.top.x - self.bottom.x)
        return x + across * half, self.bottom.y + up * (self.top.y - self.bottom.y)

    def patch(
        self, up: tuple[float, float], across: tuple[float, float]
    ) -> list[tuple[float, float]]:
        """The outline of the part of the cloth between two heights and two places across."""
        corners = [height for height, _ in self.outline if up[0] < height < up[1]]
        heights = [up[0], *corners, up[1]]
        left = [self.point(height, across[0]) for height in heights]
        right = [self.point(height, across[1]) for height in heights[::-1]]
        return left + right


@dataclass(frozen=True)
class _Patch:
    up: tuple[float, float]
    across: tuple[float, float]
    colour: Rgb


def draw_garment(brush: Polygons, panel: Panel, *, garment: Garment, pose: Pose) -> None:
    """Draw a garment on a panel: dark at both edges, then lighter inside, then its pattern."""
    for half, factor in ((1.0, 0.84), (0.86, 0.94), (0.62, 1.02)):
        brush.polygon(panel.patch((0, 1), (-half, half)), shaded(garment.colour, factor))
    for place, lean in ((0.22, -0.3), (0.38, 0.35), (0.55, -0.1)):
        start, end = panel.point(place, lean - 0.3), panel.point(place + 0.05, lean + 0.35)
        fold = [start, end, (end[0], end[1] - 0.012), (start[0], start[1] - 0.004)]
        brush.polygon(fold, shaded(garment.colour, 0.9))
    for patch in _pattern(garment, pose):
        brush.polygon(panel.patch(patch.up, patch.across), patch.colour)


def _pattern(garment: Garment, pose: Pose) -> Iterator[_Patch]:
    """The patches of a pattern, as far as they are in sight from this direction."""
    second = garment.second
    if garment.pattern in {Pattern.STRIPES, Pattern.CHECKS}:
        for low in np.arange(0.06, 0.8, 0.15):
            yield _Patch((float(low), float(low) + 0.065), (-1, 1), second)
    if garment.pattern in {Pattern.UPRIGHT_STRIPES, Pattern.CHECKS}:
        yield from _upright_stripes(second, pose)
    if garment.pattern is Pattern.BLOCK:
        yield _Patch((0.0, 0.42), (-1, 1), shaded(second, 0.86))
        yield _Patch((0.0, 0.42), (-0.7, 0.7), second)
    if garment.pattern is Pattern.PRINT:
        yield from _around(0.0, 0.5, (0.45, 0.68), second, pose)
        yield from _around(np.pi, 0.3, (0.55, 0.64), second, pose)
    if garment.pattern is Pattern.OPEN_JACKET:
        yield from _around(0.0, 0.34, (0.0, 0.94), second, pose)


def _upright_stripes(colour: Rgb, pose: Pose) -> Iterator[_Patch]:
    for angle in np.arange(0, 2 * np.pi, np.pi / 6):
        yield from _around(float(angle), 0.12, (0.0, 0.86), colour, pose)


def _around(
    angle_rad: float, half_rad: float, up: tuple[float, float], colour: Rgb, pose: Pose
) -> Iterator[_Patch]:
    """A patch on the round trunk at an angle from its front: nothing when it is turned away."""
    turned = angle_rad + pose.facing_rad
    if cos(turned) <= 0.1:
        return
    left, right = sin(turned - half_rad), sin(turned + half_rad)
    if cos(turned - half_rad) < 0:
        left = -1.0
    if cos(turned + half_rad) < 0:
        right = 1.0
    yield _Patch(up, (left, right), colour)
