"""What comes between a camera and a person for a while: a pole, a box, another pedestrian."""

from dataclasses import dataclass
from math import pi
from typing import Literal

import numpy as np
from PIL import Image, ImageDraw

from training.data.synthetic_body import Placement, draw_person
from training.data.synthetic_gait import Pose
from training.data.synthetic_person import PersonLook, Rgb, person_look, shaded

Kind = Literal["pole", "box", "pedestrian"]

_SUPERSAMPLING = 2
_SIZES: tuple[tuple[Kind, float, float], ...] = (
    ("pole", 0.1, 0.22),
    ("box", 0.35, 0.6),
    ("pedestrian", 0.85, 1.05),
)
_COLOURS: tuple[Rgb, ...] = (
    (92, 94, 98),
    (58, 74, 62),
    (128, 104, 80),
    (150, 148, 144),
    (52, 58, 84),
)


@dataclass(frozen=True)
class Occluder:
    """Something that crosses the frame in front of the person.

    Attributes:
        kind: What it is.
        middle_s: When it is in the middle of the frame.
        speed: Frame widths per second, to the right when positive.
        size: For a pole or box its width as a share of the frame's; for a pedestrian its height
            as a share of the frame's.
        colour: Of a pole or box.
        passer_by: The look of a pedestrian; drawn for this tracklet and no identity of the world.
    """

    kind: Kind
    middle_s: float
    speed: float
    size: float
    colour: Rgb
    passer_by: PersonLook

    def draw(self, time_s: float, *, height: int, width: int) -> Image.Image:
        """The occluder as an RGBA layer at a moment; clear while it is out of the frame."""
        centre = 0.5 + self.speed * (time_s - self.middle_s)
        if self.kind == "pedestrian":
            return self._pedestrian(centre, time_s, height=height, width=width)
        return self._object(centre, height=height, width=width)

    def _pedestrian(self, centre: float, time_s: float, *, height: int, width: int) -> Image.Image:
        facing = pi / 2 if self.speed > 0 else -pi / 2
        phase = 2 * pi * self.passer_by.build.cadence_hz * time_s
        placement = Placement(self.size * height, centre * width, 1.04 * height)
        pose = Pose(phase, facing, 0.1)
        return draw_person(self.passer_by, pose, placement=placement, height=height, width=width)

    def _object(self, centre: float, *, height: int, width: int) -> Image.Image:
        layer = Image.new("RGBA", (width * _SUPERSAMPLING, height * _SUPERSAMPLING))
        draw = ImageDraw.Draw(layer)
        top = 0.0 if self.kind == "pole" else 1 - self.size
        for share, factor in ((1.0, 0.75), (0.6, 1.0), (0.25, 1.12)):
            half = share * self.size / 2
            box = (centre - half) * layer.width, top * layer.height
            end = (centre + half) * layer.width, layer.height
            draw.rectangle((*box, *end), fill=(*shaded(self.colour, factor), 255))
        return layer.reduce(_SUPERSAMPLING)


def occluder(rng: np.random.Generator) -> Occluder:
    """Draw an occluder that crosses the middle of the frame within the first seconds."""
    kind, smallest, largest = _SIZES[int(rng.integers(len(_SIZES)))]
    return Occluder(
        kind=kind,
        middle_s=float(rng.uniform(0.3, 1.2)),
        speed=float(rng.uniform(0.7, 1.5) * rng.choice([-1, 1])),
        size=float(rng.uniform(smallest, largest)),
        colour=_COLOURS[int(rng.integers(len(_COLOURS)))],
        passer_by=person_look(rng),
    )
