"""A made-up person drawn on a transparent layer: the body's parts, the farthest first."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import ceil, cos, sin

import numpy as np
from PIL import Image, ImageDraw

from training.data.synthetic_clothes import Panel, draw_garment
from training.data.synthetic_gait import Joint, Limb, Pose, Skeleton, skeleton
from training.data.synthetic_person import Bag, Hair, Headwear, Legwear, PersonLook, Rgb, shaded

_LEAST_SUPERSAMPLING = 2
_LEAST_HEIGHT_PX = 256
_FAR_SIDE = 0.8


@dataclass(frozen=True)
class Placement:
    """Where a person of average stature stands in a frame, in pixels of that frame."""

    height_px: float
    centre_x_px: float
    feet_y_px: float


def draw_person(
    look: PersonLook, pose: Pose, *, placement: Placement, height: int, width: int
) -> Image.Image:
    """Draw a person as an RGBA layer of `height` × `width`; parts may be cut off by its edges."""
    # Pillow adds about half a pixel to every shape, which would make people in small frames stout.
    fineness = max(_LEAST_SUPERSAMPLING, ceil(_LEAST_HEIGHT_PX / height))
    layer = Image.new("RGBA", (width * fineness, height * fineness))
    magnified = Placement(
        placement.height_px * look.build.stature * fineness,
        placement.centre_x_px * fineness,
        placement.feet_y_px * fineness,
    )
    _Body(look, skeleton(look.build, pose), _Brush(layer, magnified)).draw()
    return layer.reduce(fineness)


@dataclass(frozen=True)
class _Bone:
    start: Joint
    end: Joint
    radii: tuple[float, float]
    colour: Rgb


class _Brush:
    """Draws shapes given in body heights, with the origin between the feet."""

    def __init__(self, layer: Image.Image, placement: Placement) -> None:
        self._draw = ImageDraw.Draw(layer)
        self._scale = placement.height_px
        self._x = placement.centre_x_px
        self._y = placement.feet_y_px

    def polygon(self, points: Sequence[tuple[float, float]], colour: Rgb) -> None:
        self._draw.polygon([self._pixel(x, y) for x, y in points], fill=(*colour, 255))

    def ellipse(self, centre: tuple[float, float], radii: tuple[float, float], colour: Rgb) -> None:
        left, top = self._pixel(centre[0] - radii[0], centre[1] + radii[1])
        right, bottom = self._pixel(centre[0] + radii[0], centre[1] - radii[1])
        self._draw.ellipse((left, top, right, bottom), fill=(*colour, 255))

    def bones(self, *bones: _Bone) -> None:
        """Tapered limbs with round ends, lighter along the middle than at the edges.

        All edges come before all middles, so that a joint between two bones leaves no seam.
        """
        for share, factor in ((1.0, 0.84), (0.62, 1.0)):
            for bone in bones:
                start, end = bone.radii[0] * share, bone.radii[1] * share
                colour = shaded(bone.colour, factor)
                self._capsule(_Bone(bone.start, bone.end, (start, end), colour))

    def _capsule(self, bone: _Bone) -> None:
        start, end, radii, colour = bone.start, bone.end, bone.radii, bone.colour
        along_x, along_y = end.x - start.x, end.y - start.y
        length = max(1e-6, (along_x**2 + along_y**2) ** 0.5)
        across_x, across_y = -along_y / length, along_x / length
        self.polygon(
            [
                (start.x + across_x * radii[0], start.y + across_y * radii[0]),
                (end.x + across_x * radii[1], end.y + across_y * radii[1]),
                (end.x - across_x * radii[1], end.y - across_y * radii[1]),
                (start.x - across_x * radii[0], start.y - across_y * radii[0]),
            ],
            colour,
        )
        self.ellipse((start.x, start.y), (radii[0], radii[0]), colour)
        self.ellipse((end.x, end.y), (radii[1], radii[1]), colour)

    def _pixel(self, x: float, y: float) -> tuple[float, float]:
        return self._x + x * self._scale, self._y - y * self._scale


class _Body:
    """One look on one skeleton: knows its parts and how near the camera each is."""

    def __init__(self, look: PersonLook, bones: Skeleton, brush: _Brush) -> None:
        self._look = look
        self._bones = bones
        self._brush = brush
        self._facing = cos(bones.pose.facing_rad)
        self._sideways = sin(bones.pose.facing_rad)

    def draw(self) -> None:
        """Draw the parts in the order of their depth, so that near ones cover far ones."""
        parts: list[tuple[float, Callable[[], None]]] = [(0.0, self._trunk)]
        # Clothes hang over the legs in every direction, so the legs go behind the trunk.
        parts.extend((leg.depth - 0.3, partial(self._leg, leg)) for leg in self._bones.legs)
        parts.extend((arm.depth, partial(self._arm, arm)) for arm in self._bones.arms)
        head_depth = 0.02 if self._facing > -0.3 else 0.012
        parts.append((head_depth, self._head))
        parts.extend(self._bag())
        for _, draw in sorted(parts, key=lambda part: part[0]):
            draw()

    def _shade(self, limb: Limb) -> float:
        return _FAR_SIDE if limb.root.depth < -0.02 else 1.0

    def _leg(self, leg: Limb) -> None:
        look, brush, thick = self._look, self._brush, self._look.build.limb
        shade = self._shade(leg)
        cloth, skin = shaded(look.lower.colour, shade), shaded(look.skin, shade)
        covered = look.legwear is Legwear.TROUSERS
        shin = cloth if covered else skin
        calf = 0.033 if covered else 0.027
        thigh = skin if look.legwear is Legwear.SKIRT else cloth
        knee = 0.043 if look.legwear is Legwear.SHORTS else calf
        ankle = 0.024 if covered else 0.018
        brush.bones(_Bone(leg.tip, leg.toe, (0.021, 0.017), shaded(look.shoes, shade)))
        brush.bones(
            _Bone(leg.middle, leg.tip, (calf * thick, ankle), shin),
            _Bone(leg.root, leg.middle, (0.047 * thick, knee * thick), thigh),
        )

    def _arm(self, arm: Limb) -> None:
        look, brush, thick = self._look, self._brush, self._look.build.limb
        shade = 0.94 * self._shade(arm)
        cloth, skin = shaded(look.upper.colour, shade), shaded(look.skin, shade)
        brush.ellipse((arm.tip.x, arm.tip.y), (0.016, 0.02), skin)
        sleeve = cloth if look.long_sleeves else skin
        brush.bones(
            _Bone(arm.middle, arm.tip, (0.021 * thick, 0.016 * thick), sleeve),
            _Bone(arm.root, arm.middle, (0.029 * thick, 0.022 * thick), cloth),
        )

    def _half(self, wide: float, deep: float) -> float:
        """Half the visible width of an upright elliptic cylinder, seen from this direction."""
        return float(np.hypot(wide * self._facing, deep * self._sideways))

    def _trunk(self) -> None:
        look, bones = self._look, self._bones
        build = look.build
        if look.legwear is Legwear.SKIRT:
            swing = 0.012 * sin(bones.pose.phase_rad)
            knees = Joint(bones.hips.x + swing, 0.29 + bones.bob, 0)
            wide, narrow = self._half(build.hip * 1.3, 0.095), self._half(build.hip, 0.07)
            skirt = Panel(
                knees, Joint(bones.hips.x, 0.57 + bones.bob, 0), ((0.0, wide), (1.0, narrow))
            )
            draw_garment(self._brush, skirt, garment=look.lower, pose=bones.pose)
        else:
            radius = self._half(build.hip, 0.062)
            centre = (bones.hips.x, bones.hips.y + 0.015)
            self._brush.ellipse(centre, (radius, 0.05), shaded(look.lower.colour, 0.9))
        hem = Joint(bones.hips.x, bones.hips.y - look.hem, 0)
        flare = 1.0 + look.hem
        outline = (
            (0.0, self._half(build.hip * flare, 0.066 * flare)),
            (0.3, self._half(build.hip * 0.94, 0.062)),
            (0.7, self._half(build.shoulder * 0.92, 0.072)),
            (0.9, self._half(build.shoulder * 0.98, 0.06)),
            (0.97, self._half(0.06, 0.05)),
            (1.0, self._half(0.036, 0.036)),
        )
        top = Joint(bones.neck.x, bones.neck.y + 0.012, 0)
        panel = Panel(hem, top, outline)
        draw_garment(self._brush, panel, garment=look.upper, pose=bones.pose)

    def _head(self) -> None:
        look, head = self._look, self._bones.head
        brush, size = self._brush, self._look.build.head
        neck = self._bones.neck
        if look.hair is Hair.LONG and self._facing > 0:
            self._long_hair()
        brush.bones(_Bone(neck, head, (0.03, 0.028), shaded(look.skin, 0.85)))
        wide = self._half(0.043, 0.052) * size
        if look.hair is not Hair.BALD:
            brush.ellipse((head.x, head.y + 0.008), (wide + 0.005, 0.064 * size), look.hair_colour)
        else:
            brush.ellipse((head.x, head.y + 0.004), (wide, 0.062 * size), shaded(look.skin, 0.95))
        if self._facing > -0.5:
            turned = head.x + 0.022 * self._sideways
            narrow = wide * (0.86 - 0.2 * abs(self._sideways))
            brush.ellipse((turned, head.y - 0.01), (narrow, 0.05 * size), look.skin)
            self._face(turned, head.y)
        if look.hair is Hair.LONG and self._facing <= 0:
            self._long_hair()
        self._headwear(head, wide)

    def _face(self, x: float, y: float) -> None:
        shadow = shaded(self._look.skin, 0.7)
        for side in (-1, 1):
            across = x + side * 0.017 * max(0.3, self._facing) + 0.012 * self._sideways
            self._brush.ellipse((across, y + 0.002), (0.006, 0.004), shadow)
        across = x + 0.014 * self._sideways
        self._brush.ellipse((across, y - 0.032), (0.011, 0.004), shaded(self._look.skin, 0.82))

    def _long_hair(self) -> None:
        head = self._bones.head
        back = head.x - 0.018 * self._sideways
        half = self._half(0.052, 0.04)
        length = 0.13
        outline = [
            (back - half, head.y + 0.02),
            (back + half, head.y + 0.02),
            (back + half * 0.95, head.y - length),
            (back - half * 0.95, head.y - length),
        ]
        self._brush.polygon(outline, shaded(self._look.hair_colour, 0.92))

    def _headwear(self, head: Joint, wide: float) -> None:
        look = self._look
        if look.headwear is Headwear.NOTHING:
            return
        half, top = wide + 0.008, 0.078 if look.headwear is Headwear.WOOLLY_HAT else 0.066
        dome = [
            (head.x + half * cos(angle), head.y + 0.02 + top * 0.72 * sin(angle))
            for angle in np.linspace(0, np.pi, 9)
        ]
        self._brush.polygon(dome, look.headwear_colour)
        if look.headwear is Headwear.CAP:
            reach = head.x + 0.05 * self._sideways
            brim = (max(0.02, wide * 0.9), 0.009)
            if self._facing > -0.5:
                centre = (reach, head.y + 0.02 - 0.008 * self._facing)
                self._brush.ellipse(centre, brim, shaded(look.headwear_colour, 0.75))

    def _bag(self) -> list[tuple[float, Callable[[], None]]]:
        """The bag as a part with its depth, or nothing."""
        look, pose = self._look, self._bones.pose
        bob = self._bones.bob
        if look.bag is Bag.BACKPACK:
            centre = pose.project(0, -0.075, 0.69 + bob)
            radii = (self._half(0.078, 0.045), 0.105)
            parts = [(centre.depth, partial(self._sack, centre, radii))]
            return [*parts, (0.005, self._straps)]
        if look.bag is Bag.SHOULDER_BAG:
            centre = pose.project(look.bag_side * (look.build.hip + 0.03), -0.01, 0.5 + bob)
            radii = (self._half(0.03, 0.075), 0.058)
            start = pose.project(-look.bag_side * 0.07, 0.0, 0.81 + bob)
            strap = _Bone(start, centre, (0.007, 0.007), look.bag_colour)
            return [
                (0.004, partial(self._brush.bones, strap)),
                (centre.depth + 0.01, partial(self._sack, centre, radii)),
            ]
        if look.bag is Bag.HANDBAG:
            hand = self._bones.arms[0 if look.bag_side > 0 else 1].tip
            below = Joint(hand.x, hand.y - 0.085, hand.depth)
            radii = (self._half(0.026, 0.07), 0.055)
            return [(hand.depth + 0.01, partial(self._sack, below, radii))]
        return []

    def _sack(self, centre: Joint, radii: tuple[float, float]) -> None:
        colour = self._look.bag_colour
        wide, high = radii
        for share, factor in ((1.0, 0.82), (0.8, 1.0)):
            w, h = wide * share, high * share
            corners = [(-w, -0.8 * h), (-w, 0.5 * h), (-0.6 * w, h), (0.6 * w, h)]
            corners += [(w, 0.5 * h), (w, -0.8 * h), (0.8 * w, -h), (-0.8 * w, -h)]
            outline = [(centre.x + x, centre.y + y) for x, y in corners]
            self._brush.polygon(outline, shaded(colour, factor))

    def _straps(self) -> None:
        """The straps of a backpack over both shoulders, where the chest is in sight."""
        if self._facing < 0.2:
            return
        pose, bob = self._bones.pose, self._bones.bob
        for side in (-1, 1):
            top = pose.project(side * 0.055, 0.05, 0.81 + bob)
            bottom = pose.project(side * 0.075, 0.05, 0.66 + bob)
            self._brush.bones(_Bone(top, bottom, (0.011, 0.011), self._look.bag_colour))
