"""Laws of the split: nobody in two parts, every question with an answer from another camera."""

import numpy as np
import pytest

from training.data.synthetic import SyntheticWorld
from training.data.synthetic_split import Walk, split_world


@pytest.fixture
def world():
    return SyntheticWorld(seed=3, identities=5, cameras=3, height=64, width=32)


def test_the_first_half_is_learned_from_and_every_walk_is_in_one_part(world):
    split = split_world(world, recordings=2, outfits=2)
    assert {walk.identity for walk in split.train} == {0, 1}
    assert {walk.identity for walk in split.query} == {2, 3, 4}
    assert {walk.identity for walk in split.gallery} == {2, 3, 4}
    walks = {*split.train, *split.query, *split.gallery}
    assert len(walks) == split.walks == 5 * 3 * 2


def test_everybody_is_asked_about_once_and_found_in_every_other_camera(world):
    split = split_world(world, recordings=2, outfits=2)
    assert [(walk.identity, walk.camera) for walk in split.query] == [(2, 2), (3, 0), (4, 1)]
    for query in split.query:
        others = {w.camera for w in split.gallery if w.identity == query.identity}
        assert others == {0, 1, 2}
        changed = {w.camera for w in split.gallery if w.identity == query.identity and w.outfit}
        assert changed == {0, 1, 2}


def test_a_walk_is_drawn_as_the_world_draws_it(world):
    drawn = Walk(1, 2, 0, 1).draw(world, 2)
    assert np.array_equal(drawn, world.tracklet(1, 2, 0, frames=2, outfit=1).frames)


@pytest.mark.parametrize(
    ("numbers", "changes", "message"),
    [
        ({"identities": 1}, {}, "expected identities of 2 or more for this layout, received 1"),
        ({"cameras": 1}, {}, "expected cameras of 2 or more for this layout, received 1"),
        ({}, {"recordings": 0}, "expected recordings of 1 or more for this layout, received 0"),
        ({}, {"outfits": 0}, "expected outfits of 1 or more for this layout, received 0"),
    ],
)
def test_too_few_of_anything_is_refused(numbers, changes, message):
    world = SyntheticWorld(**{"seed": 0, "identities": 2, "cameras": 2, **numbers})
    with pytest.raises(ValueError, match=message):
        split_world(world, **changes)
