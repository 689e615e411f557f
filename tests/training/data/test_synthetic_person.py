"""Laws of a made-up person's look."""

from dataclasses import fields

import numpy as np
import pytest

from training.data.synthetic_person import Bag, Hair, Legwear, Pattern, person_look, shaded


def look(number, seed=0):
    return person_look(np.random.default_rng([seed, number]))


def test_the_look_depends_on_the_generator_alone():
    assert look(7) == look(7)
    assert look(7) != look(8)
    assert look(7) != look(7, seed=1)


def test_a_crowd_is_distinct_in_colour_and_uses_every_choice():
    crowd = [look(number) for number in range(300)]
    assert {each.upper.pattern for each in crowd} == set(Pattern)
    assert {each.legwear for each in crowd} == set(Legwear)
    assert {each.hair for each in crowd} == set(Hair)
    assert {each.bag for each in crowd} == set(Bag)
    assert len({(each.upper.colour, each.lower.colour, each.skin) for each in crowd}) == 300


def test_two_people_in_black_do_not_wear_the_same_black():
    black = [look(n).upper for n in range(300) if look(n).upper.colour_name == "black"]
    assert len({garment.colour for garment in black}) > 0.9 * len(black) > 10


def test_most_people_wear_muted_colours():
    colours = np.array([look(number).upper.colour for number in range(300)])
    assert np.median(colours.max(axis=1) - colours.min(axis=1)) < 70


def test_colours_are_ones_that_a_drawing_can_hold():
    for number in range(100):
        person = look(number)
        garments = [person.upper, person.lower]
        colours = [c for garment in garments for c in (garment.colour, garment.second)]
        colours += [person.skin, person.hair_colour, person.shoes, person.bag_colour]
        assert all(0 <= channel <= 255 for colour in colours for channel in colour)


def test_a_pattern_can_be_told_from_its_ground():
    garments = [look(number).upper for number in range(200)]
    contrast = [np.abs(np.subtract(each.colour, each.second)).sum() for each in garments]
    assert min(contrast) > 20
    assert np.median(contrast) > 100


def test_attributes_say_what_is_worn():
    person = look(3)
    words = person.attributes()
    assert set(words) == {"upper", "lower", "bag"}
    assert person.upper.colour_name in words["upper"]
    assert person.upper.pattern.value in words["upper"]
    assert words["lower"] == f"{person.lower.colour_name} {person.legwear.value}"
    assert words["bag"] == person.bag.value


def test_a_look_cannot_be_changed():
    person = look(0)
    with pytest.raises(AttributeError):
        person.hem = 1.0
    assert all(not isinstance(getattr(person, field.name), list) for field in fields(person))


@pytest.mark.parametrize(
    ("factor", "expected"), [(1.0, (10, 100, 200)), (0.5, (5, 50, 100)), (2.0, (20, 200, 255))]
)
def test_shading_scales_a_colour_and_keeps_it_in_range(factor, expected):
    assert shaded((10, 100, 200), factor) == expected
