import pytest
from pydantic import ValidationError

from training.data.data_config import DataConfig, DrawnConfig
from training.data.synthetic import SyntheticWorld
from training.data.synthetic_two_views import write_ilids_vid
from training.data.tracklet import identities_of
from training.data.training_tracklets import training_tracklets


def test_without_drawn_people_it_is_the_data_set_without_the_held_out(drawn_root, tmp_path):
    config = DataConfig(name="market1501", root=drawn_root, validation_identities=2)
    assert identities_of(training_tracklets(config, tmp_path)) == (1, 2, 3, 4)
    assert not list(tmp_path.iterdir())


def test_drawn_people_share_no_identity_camera_or_name_with_the_data_set(drawn_root, tmp_path):
    """Their file names use the same small numbers; mixed up, two people would be one."""
    config = DataConfig(
        name="market1501",
        root=drawn_root,
        validation_identities=0,
        drawn=DrawnConfig(seed=9, identities=3, cameras=2, frames=2),
    )
    tracklets = training_tracklets(config, tmp_path / "run")
    assert len(tracklets) == 18 + 3 * 2
    assert len({tracklet.name for tracklet in tracklets}) == len(tracklets)
    assert len(identities_of(tracklets)) == 6 + 3
    drawn = [tracklet for tracklet in tracklets if tracklet.name.startswith("drawn/")]
    assert len(drawn) == 3 * 2
    assert {t.camera for t in drawn}.isdisjoint({t.camera for t in tracklets if t not in drawn})


def test_they_are_drawn_once_and_read_again(drawn_root, tmp_path):
    config = DataConfig(
        name="market1501",
        root=drawn_root,
        validation_identities=0,
        drawn=DrawnConfig(seed=9, identities=2, cameras=2, frames=1),
    )
    first = training_tracklets(config, tmp_path)
    written = [path.stat().st_mtime_ns for path in sorted(tmp_path.rglob("*.jpg"))]
    assert training_tracklets(config, tmp_path) == first
    assert [path.stat().st_mtime_ns for path in sorted(tmp_path.rglob("*.jpg"))] == written


@pytest.fixture(scope="module")
def ilids_root(tmp_path_factory):
    root = tmp_path_factory.mktemp("drawn") / "ilids-vid"
    write_ilids_vid(SyntheticWorld(2, 4, 2, height=32, width=16), root, frames=1)
    return root


def test_other_data_sets_are_learned_from_whole_and_share_nobody(drawn_root, ilids_root, tmp_path):
    """Both count people and cameras from 1."""
    source = {"name": "ilidsvid", "root": ilids_root}
    config = DataConfig(
        name="market1501", root=drawn_root, validation_identities=2, also=[source, source]
    )
    tracklets = training_tracklets(config, tmp_path)
    by_source = {}
    for each in tracklets:
        by_source.setdefault(each.name.partition("/")[0], []).append(each)
    assert {name: len(found) for name, found in by_source.items()} == {
        "market1501": 4 * 3, "ilidsvid": 2 * 2, "ilidsvid-2": 2 * 2,
    }  # fmt: skip
    assert len(identities_of(tracklets)) == 4 + 2 + 2
    assert len({t.camera for t in tracklets}) == 3 + 2 + 2


def test_the_split_that_is_named_is_learned_from(ilids_root, tmp_path):
    def learned(split):
        config = DataConfig(name="ilidsvid", root=ilids_root, validation_identities=0, split=split)
        return [tracklet.identity for tracklet in training_tracklets(config, tmp_path)]

    assert learned(None) == learned("split-01")
    assert len({tuple(learned(f"split-{number:02d}")) for number in range(1, 11)}) > 1
    with pytest.raises(ValueError, match="expected a split of ilidsvid out of .*received 'first'"):
        learned("first")


def test_an_unknown_data_set_is_refused_with_the_nearest(tmp_path):
    with pytest.raises(ValidationError, match="received 'ilids-vid'; did you mean 'ilidsvid'?"):
        DataConfig(name="ilids-vid", root=tmp_path)
