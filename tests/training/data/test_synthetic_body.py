"""Laws of the drawn body: place, size, direction, and that each part of the look can be seen."""

from dataclasses import replace
from math import pi

import numpy as np
import pytest

from training.data.synthetic_body import Placement, draw_person
from training.data.synthetic_gait import Pose
from training.data.synthetic_person import (
    Bag,
    Garment,
    Hair,
    Headwear,
    Legwear,
    Pattern,
    person_look,
)

HEIGHT, WIDTH = 200, 120
PLACE = Placement(height_px=180, centre_x_px=60, feet_y_px=190)
RED, BLUE, GREEN = (200, 0, 0), (0, 0, 200), (0, 200, 0)


@pytest.fixture
def look():
    plain = person_look(np.random.default_rng(0))
    return replace(
        plain,
        upper=Garment("red", RED, GREEN, Pattern.PLAIN),
        lower=Garment("blue", BLUE, GREEN, Pattern.PLAIN),
        build=replace(plain.build, stature=1.0),
        hair=Hair.SHORT,
        headwear=Headwear.NOTHING,
        legwear=Legwear.TROUSERS,
        bag=Bag.NOTHING,
        long_sleeves=True,
        hem=0.02,
    )


def drawn(look, *, facing=0.0, phase=0.3, place=PLACE):
    pose = Pose(phase, facing, 0.1)
    layer = draw_person(look, pose, placement=place, height=HEIGHT, width=WIDTH)
    return np.asarray(layer).astype(int)


def amount(layer, channel):
    """Opaque pixels in which one colour channel outweighs the two others."""
    others = [c for c in range(3) if c != channel]
    rgb, alpha = layer[..., :3], layer[..., 3]
    return int(((rgb[..., channel] > 2 * rgb[..., others].max(axis=-1)) & (alpha > 200)).sum())


def test_the_person_stands_where_it_is_placed(look):
    rows, columns = np.nonzero(drawn(look)[..., 3] > 128)
    assert rows.max() == pytest.approx(190, abs=8)
    assert rows.max() - rows.min() == pytest.approx(180, abs=12)
    assert columns.mean() == pytest.approx(60, abs=5)


def test_a_placement_twice_as_high_covers_four_times_the_pixels(look):
    small = drawn(look, place=Placement(80, 60, 190))[..., 3].sum()
    large = drawn(look, place=Placement(160, 60, 190))[..., 3].sum()
    assert large / small == pytest.approx(4, rel=0.06)


def test_stature_makes_the_body_taller(look):
    tall = replace(look, build=replace(look.build, stature=1.05))
    assert np.nonzero(drawn(tall)[..., 3])[0].min() < np.nonzero(drawn(look)[..., 3])[0].min()


def test_a_body_partly_outside_the_frame_is_cut_off(look):
    layer = drawn(look, place=Placement(180, 0, 190))
    assert (layer[60:120, 0, 3] > 0).any()
    assert layer.shape == (HEIGHT, WIDTH, 4)


def test_the_edge_is_smooth_and_the_rest_is_clear(look):
    alpha = drawn(look)[..., 3]
    assert ((alpha > 0) & (alpha < 255)).any()
    assert alpha[0, 0] == alpha[-1, -1] == 0


def test_upper_and_lower_clothes_are_where_they_belong(look):
    layer = drawn(look)
    assert amount(layer[:90], 0) > 20 * amount(layer[:90], 2)
    assert amount(layer[110:], 2) > 20 * amount(layer[110:], 0)


@pytest.mark.parametrize("facing", [0.0, pi / 4, pi / 2, pi, -pi / 2])
def test_clothes_can_be_seen_from_every_direction(look, facing):
    layer = drawn(look, facing=facing)
    assert amount(layer, 0) > 800
    assert amount(layer, 2) > 800


def test_a_face_is_seen_from_the_front_and_hair_from_behind(look):
    faced = replace(look, skin=GREEN, long_sleeves=True)
    assert amount(drawn(faced)[:45], 1) > 2 * amount(drawn(faced, facing=pi)[:45], 1)


@pytest.mark.parametrize("pattern", [each for each in Pattern if each is not Pattern.PLAIN])
def test_a_pattern_shows_the_second_colour(look, pattern):
    patterned = replace(look, upper=replace(look.upper, pattern=pattern))
    assert amount(drawn(look), 1) == 0
    assert amount(drawn(patterned), 1) > 100


@pytest.mark.parametrize("legwear", [Legwear.SHORTS, Legwear.SKIRT])
def test_shorts_and_skirts_show_skin_below_the_knee(look, legwear):
    bare = replace(look, skin=GREEN, legwear=legwear)
    covered = replace(bare, legwear=Legwear.TROUSERS)
    assert amount(drawn(covered)[130:], 1) == 0
    assert amount(drawn(bare)[130:], 1) > 150


def test_short_sleeves_show_the_forearms(look):
    long, short = replace(look, skin=GREEN), replace(look, skin=GREEN, long_sleeves=False)
    assert amount(drawn(short)[60:120], 1) > 2 * amount(drawn(long)[60:120], 1)


def test_a_backpack_is_seen_whole_from_behind_and_only_by_its_straps_from_the_front(look):
    packed = replace(look, bag=Bag.BACKPACK, bag_colour=GREEN)
    front, behind = amount(drawn(packed), 1), amount(drawn(packed, facing=pi), 1)
    assert behind > 3 * front > 0


@pytest.mark.parametrize("bag", [Bag.SHOULDER_BAG, Bag.HANDBAG])
def test_other_bags_are_seen_from_both_sides(look, bag):
    carrying = replace(look, bag=bag, bag_colour=GREEN, bag_side=1)
    assert amount(drawn(carrying), 1) > 50
    assert amount(drawn(carrying, facing=pi), 1) > 50


@pytest.mark.parametrize("headwear", [Headwear.CAP, Headwear.WOOLLY_HAT])
def test_headwear_covers_the_top_of_the_head(look, headwear):
    wearing = replace(look, headwear=headwear, headwear_colour=GREEN)
    assert amount(drawn(wearing)[:45], 1) > 100


def test_long_hair_hangs_lower_than_short_hair(look):
    long = replace(look, hair=Hair.LONG, hair_colour=GREEN)
    short = replace(long, hair=Hair.SHORT)
    assert amount(drawn(long, facing=pi), 1) > 1.5 * amount(drawn(short, facing=pi), 1)
    assert amount(drawn(replace(short, hair=Hair.BALD), facing=pi), 1) == 0


def test_a_coat_reaches_lower_than_a_shirt(look):
    coat = replace(look, hem=0.14)
    assert np.nonzero(reddish(drawn(coat)))[0].max() > np.nonzero(reddish(drawn(look)))[0].max() + 8


def reddish(layer):
    centre = layer[:, 50:70]
    return (centre[..., 0] > 2 * centre[..., 2]) & (centre[..., 3] > 200) & (centre[..., 1] < 20)
