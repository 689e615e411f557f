"""MEVID: what is read back is the world."""

import pytest

from tests.drawn_frames import assert_shows
from training.data.mevid import read_mevid
from training.data.synthetic import SyntheticWorld
from training.data.synthetic_mevid import write_mevid


@pytest.fixture
def world():
    return SyntheticWorld(seed=3, identities=4, cameras=3, height=64, width=32)


def test_everybody_is_read_back_before_every_camera(world, tmp_path):
    calls = []
    write_mevid(world, tmp_path / "new", frames=2, progress=lambda *counts: calls.append(counts))
    split = read_mevid(tmp_path / "new").split()
    walks = 4 * 3 * 2
    assert calls == [(done, walks) for done in range(1, walks + 1)]
    tracklets = {*split.train, *split.query, *split.gallery}
    assert len(tracklets) == walks
    assert {(t.identity, t.camera) for t in tracklets} == {
        (identity, camera) for identity in (1, 2, 3, 4) for camera in (101, 102, 103)
    }
    assert [t.identity for t in split.query] == [3, 4]
    assert_shows(split.query[0], world.tracklet(2, 2, frames=2))
    changed = next(t for t in split.train if t.name == "0001O001C102T001")
    assert changed.outfit == "1"
    assert_shows(changed, world.tracklet(0, 1, 1, frames=2, outfit=1))


@pytest.mark.parametrize(
    ("numbers", "options", "message"),
    [
        ({"identities": 1}, {}, "identities of 2 to 9999 for this layout, received 1"),
        ({"cameras": 900}, {}, "cameras of 2 to 899 for this layout, received 900"),
        ({}, {"frames": 0}, "frames of 1 to 99999 for this layout, received 0"),
        ({}, {"recordings": 1000}, "recordings of 1 to 999 for this layout, received 1000"),
    ],
)
def test_numbers_that_the_names_cannot_hold(numbers, options, message, tmp_path):
    world = SyntheticWorld(**{"seed": 0, "identities": 2, "cameras": 2, **numbers})
    with pytest.raises(ValueError, match=f"{message}; choose a value in that range"):
        write_mevid(world, tmp_path / "new", **options)
    assert not list(tmp_path.iterdir())
