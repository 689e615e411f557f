"""How a made-up person looks: clothing, hair, bag and proportions, drawn from a seed.

The look of an identity depends on the world's seed and the identity's number alone, so it is the
same in every camera and whatever else was generated before. Colours are chosen with the frequency
of a street, where most people wear dark or muted clothes: identities are distinct, not gaudy.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TypeVar

import numpy as np

Rgb = tuple[int, int, int]
Item = TypeVar("Item")


class Pattern(StrEnum):
    """What is on a garment besides its main colour."""

    PLAIN = "plain"
    STRIPES = "stripes"
    UPRIGHT_STRIPES = "upright stripes"
    BLOCK = "block"
    CHECKS = "checks"
    PRINT = "print"
    OPEN_JACKET = "open jacket"


class Legwear(StrEnum):
    """What the legs wear."""

    TROUSERS = "trousers"
    SHORTS = "shorts"
    SKIRT = "skirt"


class Hair(StrEnum):
    """How the head is covered by hair."""

    SHORT = "short"
    LONG = "long"
    BALD = "bald"


class Headwear(StrEnum):
    """What is worn on the head."""

    NOTHING = "nothing"
    CAP = "cap"
    WOOLLY_HAT = "woolly hat"


class Bag(StrEnum):
    """What is carried."""

    NOTHING = "nothing"
    BACKPACK = "backpack"
    SHOULDER_BAG = "shoulder bag"
    HANDBAG = "handbag"


@dataclass(frozen=True)
class Garment:
    """A piece of clothing: its colour by name and value, and a second colour for the pattern."""

    colour_name: str
    colour: Rgb
    second: Rgb
    pattern: Pattern


@dataclass(frozen=True)
class Build:
    """Proportions of a body, in units of its height; `stride_rad` is the swing of the legs.

    `stature` is relative to the average person: the share of the crop that the body fills.
    """

    stature: float
    shoulder: float
    hip: float
    limb: float
    head: float
    stride_rad: float
    cadence_hz: float


@dataclass(frozen=True)
class PersonLook:
    """Everything that can be recognised of one identity."""

    build: Build
    skin: Rgb
    hair: Hair
    hair_colour: Rgb
    headwear: Headwear
    headwear_colour: Rgb
    upper: Garment
    long_sleeves: bool
    hem: float
    legwear: Legwear
    lower: Garment
    shoes: Rgb
    bag: Bag
    bag_colour: Rgb
    bag_side: int

    def attributes(self) -> Mapping[str, str]:
        """The look in a few words, for the metadata of a tracklet."""
        return MappingProxyType(
            {
                "upper": f"{self.upper.colour_name}, {self.upper.pattern}",
                "lower": f"{self.lower.colour_name} {self.legwear}",
                "bag": str(self.bag),
            }
        )


def person_look(rng: np.random.Generator) -> PersonLook:
    """Draw the look of one person.

    Args:
        rng: A generator that belongs to this identity alone; its state decides everything.
    """
    legwear = _pick(rng, _LEGWEAR)
    hair = _pick(rng, _HAIR)
    return PersonLook(
        build=_build(rng),
        skin=_vary(rng, _pick(rng, _SKIN), 8),
        hair=hair,
        hair_colour=_vary(rng, _pick(rng, _HAIR_COLOURS), 10),
        headwear=_pick(rng, _HEADWEAR),
        headwear_colour=_garment_colour(rng, _UPPER_COLOURS)[1],
        upper=_garment(rng, _UPPER_COLOURS, _UPPER_PATTERNS),
        long_sleeves=bool(rng.random() < 0.6),
        hem=float(rng.choice([0.0, 0.02, 0.05, 0.14], p=[0.35, 0.3, 0.2, 0.15])),
        legwear=legwear,
        lower=_garment(rng, _LOWER_COLOURS, _SKIRT_PATTERNS[legwear]),
        shoes=_vary(rng, _pick(rng, _SHOES), 10),
        bag=_pick(rng, _BAGS),
        bag_colour=_garment_colour(rng, _UPPER_COLOURS)[1],
        bag_side=int(rng.choice([-1, 1])),
    )


def shaded(colour: Rgb, factor: float) -> Rgb:
    """The colour made lighter (`factor` above 1) or darker, cut to 0..255."""
    red, green, blue = (max(0, min(255, round(channel * factor))) for channel in colour)
    return red, green, blue


def _build(rng: np.random.Generator) -> Build:
    return Build(
        stature=float(rng.uniform(0.92, 1.05)),
        shoulder=float(rng.uniform(0.098, 0.132)),
        hip=float(rng.uniform(0.078, 0.104)),
        limb=float(rng.uniform(0.85, 1.25)),
        head=float(rng.uniform(0.94, 1.08)),
        stride_rad=float(rng.uniform(0.36, 0.52)),
        cadence_hz=float(rng.uniform(0.8, 1.1)),
    )


def _garment(
    rng: np.random.Generator,
    colours: Sequence[tuple[tuple[str, Rgb], float]],
    patterns: Sequence[tuple[Pattern, float]],
) -> Garment:
    name, colour = _garment_colour(rng, colours)
    second = _contrasting(colour, [_garment_colour(rng, colours)[1] for _ in range(4)])
    return Garment(name, colour, second, _pick(rng, patterns))


def _garment_colour(
    rng: np.random.Generator, colours: Sequence[tuple[tuple[str, Rgb], float]]
) -> tuple[str, Rgb]:
    name, colour = _pick(rng, colours)
    return name, _vary(rng, colour, 14)


def _contrasting(colour: Rgb, candidates: Sequence[Rgb]) -> Rgb:
    """The candidate farthest from `colour`, softened: neither no pattern at all nor a signal."""

    def difference(candidate: Rgb) -> int:
        return sum(abs(a - b) for a, b in zip(candidate, colour, strict=True))

    farthest = np.array(max(candidates, key=difference))
    red, green, blue = (round(value) for value in 0.75 * farthest + 0.25 * np.array(colour))
    return red, green, blue


def _pick(rng: np.random.Generator, weighted: Sequence[tuple[Item, float]]) -> Item:
    weights = np.array([weight for _, weight in weighted])
    return weighted[int(rng.choice(len(weighted), p=weights / weights.sum()))][0]


def _vary(rng: np.random.Generator, colour: Rgb, most: int) -> Rgb:
    light = int(rng.integers(-most, most + 1))
    tint = rng.integers(-most // 2, most // 2 + 1, size=3)
    red, green, blue = (
        max(6, min(245, channel + light + int(change)))
        for channel, change in zip(colour, tint, strict=True)
    )
    return red, green, blue


_UPPER_COLOURS: Sequence[tuple[tuple[str, Rgb], float]] = (
    (("black", (30, 30, 34)), 5),
    (("dark grey", (70, 70, 74)), 3),
    (("grey", (132, 132, 134)), 3),
    (("white", (222, 220, 214)), 4),
    (("navy", (34, 42, 80)), 3),
    (("blue", (50, 90, 158)), 2.5),
    (("light blue", (140, 172, 204)), 2),
    (("red", (164, 42, 46)), 2.5),
    (("maroon", (98, 32, 44)), 1.5),
    (("green", (54, 104, 66)), 2),
    (("olive", (98, 98, 62)), 1.5),
    (("beige", (196, 176, 142)), 2),
    (("brown", (104, 76, 54)), 1.5),
    (("yellow", (208, 176, 70)), 1.5),
    (("orange", (200, 112, 56)), 1),
    (("pink", (208, 144, 158)), 1.5),
    (("purple", (104, 70, 126)), 1.5),
    (("teal", (46, 114, 118)), 1.5),
)
_LOWER_COLOURS: Sequence[tuple[tuple[str, Rgb], float]] = (
    (("black", (28, 28, 32)), 5),
    (("denim blue", (66, 84, 122)), 4),
    (("dark denim", (42, 50, 74)), 3),
    (("light denim", (122, 142, 172)), 2),
    (("grey", (112, 112, 114)), 3),
    (("khaki", (144, 128, 94)), 2),
    (("beige", (192, 174, 142)), 1.5),
    (("brown", (94, 68, 50)), 1.5),
    (("white", (214, 212, 206)), 1),
    (("olive", (84, 86, 56)), 1),
    (("maroon", (104, 36, 46)), 1),
)
_UPPER_PATTERNS: Sequence[tuple[Pattern, float]] = (
    (Pattern.PLAIN, 8),
    (Pattern.STRIPES, 3),
    (Pattern.UPRIGHT_STRIPES, 1.5),
    (Pattern.BLOCK, 3),
    (Pattern.CHECKS, 1.5),
    (Pattern.PRINT, 3),
    (Pattern.OPEN_JACKET, 3),
)
_PLAIN: Sequence[tuple[Pattern, float]] = ((Pattern.PLAIN, 1),)
_SKIRT_PATTERNS: Mapping[Legwear, Sequence[tuple[Pattern, float]]] = MappingProxyType(
    {
        Legwear.TROUSERS: _PLAIN,
        Legwear.SHORTS: _PLAIN,
        Legwear.SKIRT: ((Pattern.PLAIN, 3), (Pattern.STRIPES, 1), (Pattern.CHECKS, 1)),
    }
)
_LEGWEAR = ((Legwear.TROUSERS, 7.0), (Legwear.SHORTS, 2.0), (Legwear.SKIRT, 2.0))
_HAIR = ((Hair.SHORT, 6.0), (Hair.LONG, 4.0), (Hair.BALD, 0.7))
_HAIR_COLOURS: Sequence[tuple[Rgb, float]] = (
    ((26, 22, 22), 5),
    ((62, 42, 30), 4),
    ((108, 76, 46), 2),
    ((186, 152, 100), 1.5),
    ((142, 140, 138), 1),
    ((122, 58, 34), 0.7),
)
_HEADWEAR = ((Headwear.NOTHING, 8.0), (Headwear.CAP, 1.5), (Headwear.WOOLLY_HAT, 1.0))
_SKIN: Sequence[tuple[Rgb, float]] = (
    ((228, 188, 164), 3),
    ((206, 160, 130), 3),
    ((174, 128, 96), 2),
    ((128, 88, 64), 2),
    ((88, 60, 46), 1.5),
)
_SHOES: Sequence[tuple[Rgb, float]] = (
    ((30, 28, 28), 5),
    ((206, 204, 200), 3),
    ((94, 66, 46), 2),
    ((90, 92, 98), 1.5),
    ((150, 48, 48), 0.7),
)
_BAGS = (
    (Bag.NOTHING, 5.0),
    (Bag.BACKPACK, 3.0),
    (Bag.SHOULDER_BAG, 1.5),
    (Bag.HANDBAG, 1.5),
)
