"""Laws of cloth: patches stay on the panel, and a pattern turns with the body."""

from math import pi

import numpy as np
import pytest

from training.data.synthetic_clothes import Panel, draw_garment
from training.data.synthetic_gait import Joint, Pose
from training.data.synthetic_person import Garment, Pattern

PANEL = Panel(Joint(0, 0.5, 0), Joint(0.1, 0.9, 0), ((0.0, 0.1), (0.5, 0.2), (1.0, 0.1)))
MAIN, SECOND = (200, 0, 0), (0, 200, 0)


class Recorder:
    """Stands in for a brush: keeps what would be filled."""

    def __init__(self):
        self.filled = []

    def polygon(self, points, colour):
        self.filled.append((np.array(points), colour))


def second_colour(pattern, facing):
    brush = Recorder()
    garment = Garment("red", MAIN, SECOND, pattern)
    draw_garment(brush, PANEL, garment=garment, pose=Pose(0, facing, 0))
    return [points for points, colour in brush.filled if colour[1] > colour[0]]


def test_a_point_is_between_the_edges_of_the_panel():
    assert PANEL.point(0, 0) == (0, 0.5)
    assert PANEL.point(1, 0) == pytest.approx((0.1, 0.9))
    assert PANEL.point(0.5, 1) == pytest.approx((0.25, 0.7))
    assert PANEL.point(0.5, -1) == pytest.approx((-0.15, 0.7))


def test_a_patch_follows_the_outline_between_its_ends():
    patch = np.array(PANEL.patch((0, 1), (-1, 1)))
    assert len(patch) == 6
    assert patch[:, 0].max() == pytest.approx(0.25)


def test_plain_cloth_has_one_colour():
    assert second_colour(Pattern.PLAIN, 0) == []


@pytest.mark.parametrize("pattern", [each for each in Pattern if each is not Pattern.PLAIN])
@pytest.mark.parametrize("facing", np.linspace(-pi, pi, 9))
def test_a_pattern_stays_on_the_cloth(pattern, facing):
    for points in second_colour(pattern, facing):
        assert points[:, 1].min() >= 0.5 - 1e-9
        assert points[:, 1].max() <= 0.9 + 1e-9
        assert points[:, 0].min() >= -0.15 - 1e-9
        assert points[:, 0].max() <= 0.25 + 1e-9


def test_an_open_jacket_is_open_at_the_front_only():
    assert second_colour(Pattern.OPEN_JACKET, 0)
    assert not second_colour(Pattern.OPEN_JACKET, pi)


def test_a_print_moves_to_the_side_when_the_body_turns():
    front = second_colour(Pattern.PRINT, 0)[0][:, 0].mean()
    turned = second_colour(Pattern.PRINT, 0.8)[0][:, 0].mean()
    assert turned > front + 0.05


def test_a_patch_that_goes_round_the_side_ends_at_the_edge():
    open_jacket = np.concatenate(second_colour(Pattern.OPEN_JACKET, -1.3))
    assert open_jacket[:, 0].min() == pytest.approx(-0.15)
    assert open_jacket[:, 0].min() < open_jacket[:, 0].max() < 0.05


def test_stripes_are_the_same_from_every_direction():
    assert len(second_colour(Pattern.STRIPES, 0)) == len(second_colour(Pattern.STRIPES, 2.0)) > 2
