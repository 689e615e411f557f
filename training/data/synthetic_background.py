"""The place a made-up camera looks at: one wide picture that all its tracklets pass through.

It belongs to the camera alone. No identity has a background of its own, and no two cameras share
one, so nothing behind a person helps to find that person in another camera.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from training.data.synthetic_person import Rgb, shaded

_WIDTHS = 5
_SURFACES: tuple[Rgb, ...] = (
    (150, 140, 128),
    (126, 92, 78),
    (172, 168, 158),
    (96, 104, 108),
    (184, 170, 138),
    (108, 122, 132),
    (86, 96, 70),
)
_GROUNDS: tuple[Rgb, ...] = (
    (122, 120, 116),
    (96, 96, 100),
    (158, 150, 138),
    (98, 112, 72),
    (140, 116, 98),
)


def panorama(rng: np.random.Generator, *, height: int, width: int) -> NDArray[np.uint8]:
    """Draw a camera's surroundings, several frames wide.

    Args:
        rng: A generator that belongs to this camera alone.
        height: Height of a frame.
        width: Width of a frame.

    Returns:
        RGB `[height, 5 * width, 3]`; a frame's background is any part of it that is `width` wide.
    """
    image = Image.new("RGB", (width * _WIDTHS, height))
    wall = shaded(_SURFACES[int(rng.integers(len(_SURFACES)))], float(rng.uniform(0.8, 1.15)))
    ground = shaded(_GROUNDS[int(rng.integers(len(_GROUNDS)))], float(rng.uniform(0.8, 1.15)))
    horizon = int(height * rng.uniform(0.35, 0.7))
    _draw_wall(image, wall, horizon, rng)
    _draw_ground(image, ground, horizon, rng)
    image = image.filter(ImageFilter.GaussianBlur(height / 170))
    return _weathered(np.asarray(image, dtype=np.float32), rng)


def window(scene: NDArray[np.uint8], place: float) -> NDArray[np.uint8]:
    """The part of a panorama behind a person.

    Args:
        scene: A panorama `[h, 5 * width, 3]`.
        place: Where the person is; 0 is the left end and 1 the right, and 2 the left again.

    Returns:
        RGB `[h, width, 3]`.
    """
    width = scene.shape[1] // _WIDTHS
    room = scene.shape[1] - width
    # To and fro, so that a long walk never jumps from one end of the scene to the other.
    folded = 1 - abs(place % 2 - 1)
    left = round(folded * room)
    return scene[:, left : left + width]


def _draw_wall(image: Image.Image, colour: Rgb, horizon: int, rng: np.random.Generator) -> None:
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, image.width, horizon), fill=colour)
    unit = image.height / 16
    x = -unit
    while x < image.width:
        span = unit * rng.uniform(1.0, 4)
        shade = float(rng.uniform(0.55, 1.3))
        kind = int(rng.integers(4))
        box = (x, horizon * rng.uniform(0, 0.5), x + span, horizon)
        if kind == 0:
            draw.rectangle(box, fill=shaded(colour, shade))
        elif kind == 1:
            _draw_window(draw, box, rng)
        elif kind == 2:
            _draw_bush(draw, box, rng)
        x += span + unit * rng.uniform(0, 1)


def _draw_window(
    draw: ImageDraw.ImageDraw, box: tuple[float, float, float, float], rng: np.random.Generator
) -> None:
    left, top, right, bottom = box
    low = top + (bottom - top) * 0.7
    glass = shaded((96, 112, 124), float(rng.uniform(0.5, 1.4)))
    draw.rectangle((left, top, right, low), fill=glass, outline=shaded(glass, 0.5))
    middle = (left + right) / 2
    draw.line((middle, top, middle, low), fill=shaded(glass, 0.5))


def _draw_bush(
    draw: ImageDraw.ImageDraw, box: tuple[float, float, float, float], rng: np.random.Generator
) -> None:
    left, top, right, bottom = box
    green = shaded((78, 98, 60), float(rng.uniform(0.6, 1.2)))
    for _ in range(12):
        x, y = rng.uniform(left, right), rng.uniform((top + bottom) / 2, bottom)
        radius = (right - left) * rng.uniform(0.1, 0.3)
        box = (x - radius, y - radius, x + radius, y + radius)
        draw.ellipse(box, fill=shaded(green, float(rng.uniform(0.75, 1.25))))


def _draw_ground(image: Image.Image, colour: Rgb, horizon: int, rng: np.random.Generator) -> None:
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, horizon, image.width, image.height), fill=colour)
    kerb = horizon + (image.height - horizon) * rng.uniform(0.0, 0.3)
    draw.rectangle(
        (0, horizon, image.width, kerb), fill=shaded(colour, float(rng.uniform(0.7, 1.2)))
    )
    line = max(1, image.height // 110)
    joint = shaded(colour, float(rng.uniform(0.6, 0.8)))
    slant, gap = image.height * rng.uniform(-0.6, 0.6), image.height * rng.uniform(0.15, 0.5)
    for x in np.arange(-image.height, image.width + image.height, gap):
        draw.line((x, kerb, x + slant, image.height), fill=joint, width=line)
    for step in np.cumsum(rng.uniform(0.05, 0.15, size=6)):
        y = kerb + (image.height - kerb) * step**1.3
        draw.line((0, y, image.width, y), fill=joint, width=line)


def _weathered(image: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Adds stains and grain: flat colour is what makes a drawing look drawn."""
    height, width = image.shape[:2]
    texture = np.zeros((height, width), dtype=np.float32)
    for cells, strength in ((5, 5.0), (28, 4.0), (height // 2, 5.0)):
        coarse = rng.standard_normal((cells, cells * _WIDTHS // 2 + 1)).astype(np.float32)
        smooth = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
        texture += strength * np.asarray(smooth)
    stained: NDArray[np.uint8] = np.clip(image + texture[:, :, None], 0, 255).astype(np.uint8)
    return stained
