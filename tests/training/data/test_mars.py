"""MARS: by its official lists when they are there, else one folder to learn from."""

import shutil

import pytest

from tests.training.data.drawn_layouts import assert_is_drawn, small_world
from training.data.mars import read_mars, read_mars_folder
from training.data.synthetic_mars import write_mars


@pytest.fixture
def root(tmp_path):
    write_mars(small_world(), tmp_path / "mars", frames=2)
    return tmp_path / "mars"


def read(root):
    (split,) = read_mars(root).splits
    return split


def test_what_was_drawn_is_what_is_read(root):
    split = read(root)
    assert split.name == "official"
    assert [t.name for t in split.train] == [
        "0001C1T0001", "0001C2T0001", "0002C1T0001", "0002C2T0001",
    ]  # fmt: skip
    assert [(t.name, t.identity) for t in split.query] == [("0003C1T0001", 3), ("0004C2T0001", 4)]
    assert [(t.name, t.identity, t.camera) for t in split.gallery] == [
        ("00-1C1T0001", -1, 1),
        ("0000C1T0001", 0, 1),
        ("0003C1T0001", 3, 1),
        ("0003C2T0001", 3, 2),
        ("0004C1T0001", 4, 1),
        ("0004C2T0001", 4, 2),
    ]
    for tracklet in (*split.train, *split.query, *split.gallery):
        assert len(tracklet.frames) == 2
        if tracklet.identity > 0:
            assert_is_drawn(tracklet, small_world())


def test_queries_are_searched_too_under_the_same_name(root):
    split = read(root)
    assert set(split.query) < set(split.gallery)


@pytest.mark.parametrize("place", ["info", "MARS-evaluation/info", "../info"])
def test_the_lists_may_be_inside_or_beside(place, root):
    expected = read(root)
    (root / place).parent.mkdir(exist_ok=True)
    (root / "info").rename(root / place)
    assert read(root) == expected
    assert read(root.parent) == expected


def test_images_without_test_images_and_lists_are_there_to_learn_from(root):
    shutil.rmtree(root / "info")
    shutil.rmtree(root / "bbox_test")
    for place in (root, root / "bbox_train"):
        split = read(place)
        assert (split.name, len(split.train), split.query, split.gallery) == ("folder", 4, (), ())


def test_test_images_without_lists_are_a_broken_root(root):
    shutil.rmtree(root / "info")
    message = "the list .*mars/info/tracks_test_info.mat, received no such file; copy it from info/"
    with pytest.raises(ValueError, match=message):
        read(root)


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
