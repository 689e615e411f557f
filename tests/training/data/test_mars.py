import pytest

from training.data.mars import read_mars_folder


def test_names_become_tracklets_in_frame_order(tmp_path):
    for name in (
        "0003/0003C1T0001F002.jpg",
        "0003/0003C1T0001F001.jpg",
        "0003/0003C4T0003F1000.jpg",
        "0003/0003C4T0003F999.jpg",
        "00-1/00-1C2T0001F001.jpg",
        "0000/0000C6T0001F001.jpg",
    ):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    tracklets = {t.name: t for t in read_mars_folder(tmp_path)}
    assert sorted(tracklets) == ["00-1C2T0001", "0000C6T0001", "0003C1T0001", "0003C4T0003"]
    assert tracklets["00-1C2T0001"].identity == -1
    assert tracklets["0000C6T0001"].identity == 0
    assert tracklets["0003C4T0003"].camera == 4
    # By number, not by name: F999 comes before F1000.
    assert [p.name[-8:] for p in tracklets["0003C4T0003"].frames] == ["F999.jpg", "1000.jpg"]


def test_a_foreign_name_is_shown(tmp_path):
    (tmp_path / "face.jpg").touch()
    with pytest.raises(ValueError, match="received 'face.jpg'; remove what"):
        read_mars_folder(tmp_path)


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(ValueError, match="expected MARS frames under .* received none"):
        read_mars_folder(tmp_path)
