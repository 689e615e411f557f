"""Laws of walking: a cycle repeats, halves mirror, and turning the body turns what is seen."""

from dataclasses import astuple
from math import dist, pi

import numpy as np
import pytest

from training.data.synthetic_gait import Pose, skeleton
from training.data.synthetic_person import Build

BUILD = Build(stature=1, shoulder=0.11, hip=0.09, limb=1, head=1, stride_rad=0.45, cadence_hz=1)


def bones(phase=0.0, facing=0.0, tilt=0.0):
    return skeleton(BUILD, Pose(phase, facing, tilt))


def points(limb):
    return np.array([astuple(limb.root), astuple(limb.middle), astuple(limb.tip)])


def test_a_gait_cycle_repeats():
    for limb, later in zip(bones(0.7).legs, bones(0.7 + 2 * pi).legs, strict=True):
        np.testing.assert_allclose(points(limb), points(later), atol=1e-12)


def test_half_a_cycle_later_the_other_leg_does_the_same():
    side = pi / 2
    left, right = bones(0.7, side).legs[0], bones(0.7 + pi, side).legs[1]
    np.testing.assert_allclose(points(left)[:, :2], points(right)[:, :2], atol=1e-12)


def test_legs_keep_their_length_while_they_swing():
    for phase in np.linspace(0, 2 * pi, 12):
        for leg in bones(phase, 0.6).legs:
            root, middle, tip = (astuple(joint) for joint in (leg.root, leg.middle, leg.tip))
            assert dist(root, middle) == pytest.approx(0.235)
            assert dist(middle, tip) == pytest.approx(0.225)


def test_an_arm_swings_against_the_leg_of_its_side():
    walk = bones(pi / 2, pi / 2)
    assert walk.legs[0].tip.x > 0 > walk.arms[0].tip.x
    assert walk.legs[1].tip.x < 0 < walk.arms[1].tip.x


def test_a_foot_leaves_the_ground_while_it_travels_forward():
    heights = [bones(phase, pi / 2).legs[0].tip.y for phase in np.linspace(0, 2 * pi, 24)]
    assert max(heights) - min(heights) > 0.05


def test_seen_from_the_other_side_the_walk_is_mirrored():
    right, left = bones(0.4, pi / 2), bones(0.4, -pi / 2)
    np.testing.assert_allclose(points(right.legs[0])[:, 0], -points(left.legs[0])[:, 0], atol=1e-12)


def test_from_the_side_the_stride_is_wide_and_the_shoulders_are_not():
    front, side = bones(pi / 2, 0), bones(pi / 2, pi / 2)
    assert abs(side.legs[0].tip.x - side.legs[1].tip.x) > 0.2
    assert abs(front.legs[0].tip.x - front.legs[1].tip.x) < 0.12
    assert abs(front.arms[0].root.x - front.arms[1].root.x) > 0.15
    assert abs(side.arms[0].root.x - side.arms[1].root.x) < 0.02


def test_a_camera_that_looks_down_sees_near_feet_lower_than_far_ones():
    legs = bones(pi / 2, 0, tilt=0.3).legs
    near, far = sorted(legs, key=lambda leg: -leg.tip.depth)
    assert near.tip.y < far.tip.y - 0.05
