"""CCVID: what is read back is the world."""

import pytest

from tests.drawn_frames import assert_shows
from training.data.ccvid import read_ccvid
from training.data.synthetic import SyntheticWorld
from training.data.synthetic_ccvid import write_ccvid


@pytest.fixture
def world():
    return SyntheticWorld(seed=3, identities=4, cameras=3, height=64, width=32)


def test_everybody_is_read_back_before_every_camera(world, tmp_path):
    calls = []
    write_ccvid(world, tmp_path / "new", frames=2, progress=lambda *counts: calls.append(counts))
    split = read_ccvid(tmp_path / "new").split()
    walks = 4 * 3 * 2
    assert calls == [(done, walks) for done in range(1, walks + 1)]
    tracklets = {*split.train, *split.query, *split.gallery}
    assert len(tracklets) == walks
    assert {(t.identity, t.camera) for t in tracklets} == {
        (identity, camera) for identity in (1, 2, 3, 4) for camera in (1, 2, 3)
    }
    assert [t.identity for t in split.query] == [3, 4]
    assert_shows(split.query[0], world.tracklet(2, 2, frames=2))
    changed = next(t for t in split.train if t.name == "session2_001_02")
    assert changed.outfit == "u1_l1"
    assert_shows(changed, world.tracklet(0, 1, 1, frames=2, outfit=1))


@pytest.mark.parametrize(
    ("numbers", "options", "message"),
    [
        ({"identities": 1}, {}, "identities of 2 to 999 for this layout, received 1"),
        ({"cameras": 13}, {}, "cameras of 2 to 12 for this layout, received 13"),
        ({}, {"frames": 0}, "frames of 1 to 99999 for this layout, received 0"),
        ({}, {"recordings": 4}, "recordings of 1 to 3 for this layout, received 4"),
    ],
)
def test_numbers_that_the_names_cannot_hold(numbers, options, message, tmp_path):
    world = SyntheticWorld(**{"seed": 0, "identities": 2, "cameras": 2, **numbers})
    with pytest.raises(ValueError, match=f"{message}; choose a value in that range"):
        write_ccvid(world, tmp_path / "new", **options)
    assert not list(tmp_path.iterdir())
