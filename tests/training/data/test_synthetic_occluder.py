"""Laws of occluders: they cross the frame at the stated time, direction and size."""

from dataclasses import replace

import numpy as np
import pytest

from training.data.synthetic_occluder import Occluder, occluder
from training.data.synthetic_person import Bag, person_look

POLE = Occluder(
    kind="pole",
    middle_s=1.0,
    speed=1.0,
    size=0.2,
    colour=(90, 90, 90),
    passer_by=person_look(np.random.default_rng(0)),
)
BOX, PEDESTRIAN = replace(POLE, kind="box", size=0.5), replace(POLE, kind="pedestrian", size=0.95)


def alpha(thing, time_s):
    return np.asarray(thing.draw(time_s, height=64, width=32).getchannel("A")) > 128


@pytest.mark.parametrize("thing", [POLE, BOX, PEDESTRIAN], ids=lambda each: each.kind)
def test_it_enters_is_in_the_middle_at_its_time_and_leaves(thing):
    assert not alpha(thing, -0.5).any()
    assert np.nonzero(alpha(thing, 1.0))[1].mean() == pytest.approx(15.5, abs=2)
    assert not alpha(thing, 2.5).any()


@pytest.mark.parametrize("thing", [POLE, BOX, PEDESTRIAN], ids=lambda each: each.kind)
def test_the_sign_of_the_speed_is_its_direction(thing):
    def centre(each):
        return np.nonzero(alpha(each, 1.2))[1].mean()

    assert centre(thing) > 17 > 14 > centre(replace(thing, speed=-1.0))


def test_a_pole_is_as_high_as_the_frame_and_a_box_stands_on_its_lower_edge():
    assert alpha(POLE, 1.0).any(axis=1).all()
    assert alpha(POLE, 1.0).mean() == pytest.approx(0.2, abs=0.04)
    rows = np.nonzero(alpha(BOX, 1.0))[0]
    assert rows.max() == 63
    assert rows.min() == pytest.approx(32, abs=1)


def test_a_pedestrian_walks():
    on_the_spot = replace(PEDESTRIAN, speed=1e-9)
    assert (alpha(on_the_spot, 0.9) != alpha(on_the_spot, 1.2)).sum() > 20


def test_a_pedestrian_faces_the_way_it_walks():
    bare = replace(PEDESTRIAN, passer_by=replace(PEDESTRIAN.passer_by, bag=Bag.NOTHING))
    right, left = alpha(bare, 1.0), alpha(replace(bare, speed=-1.0), 1.0)
    assert (right != left[:, ::-1]).sum() < 0.3 * (right != left).sum()


def test_occluders_are_of_every_kind_and_depend_on_the_generator_alone():
    many = [occluder(np.random.default_rng(number)) for number in range(60)]
    assert {each.kind for each in many} == {"pole", "box", "pedestrian"}
    assert many[5] == occluder(np.random.default_rng(5))
    assert {each.speed > 0 for each in many} == {True, False}
