import pytest

from training.data.market1501 import read_market1501


def touch(folder, *names):
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).touch()


def test_identity_camera_and_recording_make_a_tracklet_in_time_order(tmp_path):
    touch(
        tmp_path,
        "0002_c1s1_000551_01.jpg",
        "0002_c1s1_000451_03.jpg",
        "0002_c1s2_000451_03.jpg",
        "0002_c3s1_000076_01.jpg",
        "0010_c1s1_000001_01.jpg",
        "-1_c1s1_000401_03.jpg",
        "Thumbs.db",
    )
    tracklets = read_market1501(tmp_path)
    assert [(t.identity, t.camera, len(t.frames)) for t in tracklets] == [
        (-1, 1, 1), (2, 1, 2), (2, 1, 1), (2, 3, 1), (10, 1, 1),
    ]  # fmt: skip
    assert [path.name for path in tracklets[1].frames] == [
        "0002_c1s1_000451_03.jpg",
        "0002_c1s1_000551_01.jpg",
    ]
    assert len({t.name for t in tracklets}) == len(tracklets)


@pytest.mark.parametrize("name", ["someone.jpg", "0002_c1_000451_03.jpg", "2_c1s1_000451_03.jpg"])
def test_a_foreign_name_is_shown(tmp_path, name):
    touch(tmp_path, "0002_c1s1_000451_03.jpg", name)
    with pytest.raises(ValueError, match=f"expected names like .* received '{name}'"):
        read_market1501(tmp_path)


def test_a_missing_or_empty_folder_says_what_to_set(tmp_path):
    with pytest.raises(ValueError, match="received nothing; set data.root"):
        read_market1501(tmp_path / "absent")
    with pytest.raises(ValueError, match="received none; set data.root"):
        read_market1501(tmp_path)
