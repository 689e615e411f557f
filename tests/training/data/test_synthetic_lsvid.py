"""LS-VID: what is read back is the world."""

import pytest

from tests.drawn_frames import assert_shows
from training.data.lsvid import read_lsvid
from training.data.synthetic import SyntheticWorld
from training.data.synthetic_lsvid import write_lsvid


@pytest.fixture
def world():
    return SyntheticWorld(seed=3, identities=4, cameras=3, height=64, width=32)


def test_everybody_is_read_back_before_every_camera(world, tmp_path):
    calls = []
    write_lsvid(world, tmp_path / "new", frames=2, progress=lambda *counts: calls.append(counts))
    split = read_lsvid(tmp_path / "new").split()
    walks = 4 * 3
    assert calls == [(done, walks) for done in range(1, walks + 1)]
    tracklets = {*split.train, *split.query, *split.gallery}
    assert len(tracklets) == walks
    assert {(t.identity, t.camera) for t in tracklets} == {
        (identity, camera) for identity in (1, 2, 3, 4) for camera in (1, 2, 3)
    }
    assert [t.identity for t in split.query] == [3, 4]
    assert_shows(split.query[0], world.tracklet(2, 2, frames=2))
    assert_shows(split.train[1], world.tracklet(0, 1, frames=2))


@pytest.mark.parametrize(
    ("numbers", "options", "message"),
    [
        ({"identities": 1}, {}, "identities of 2 to 9999 for this layout, received 1"),
        ({"cameras": 100}, {}, "cameras of 2 to 99 for this layout, received 100"),
        ({}, {"frames": 0}, "frames of 1 to 9999 for this layout, received 0"),
        ({}, {"recordings": 0}, "recordings of 1 or more for this layout, received 0"),
    ],
)
def test_numbers_that_the_names_cannot_hold(numbers, options, message, tmp_path):
    world = SyntheticWorld(**{"seed": 0, "identities": 2, "cameras": 2, **numbers})
    with pytest.raises(ValueError, match=f"{message}; choose a value in that range"):
        write_lsvid(world, tmp_path / "new", **options)
    assert not list(tmp_path.iterdir())
