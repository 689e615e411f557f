from training.data.data_config import DataConfig, DrawnConfig
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
    drawn = [tracklet for tracklet in tracklets if tracklet.identity > 1000]
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
