import pytest

from tests.training.data.drawn_layouts import assert_is_drawn, small_world
from training.data.market1501 import read_market1501, read_market1501_folder
from training.data.synthetic_market1501 import write_market1501_official


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
    tracklets = read_market1501_folder(tmp_path)
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
        read_market1501_folder(tmp_path)


def test_a_missing_or_empty_folder_says_what_to_set(tmp_path):
    with pytest.raises(ValueError, match="received nothing; restore it"):
        read_market1501_folder(tmp_path / "absent")
    with pytest.raises(ValueError, match="received none; set the root"):
        read_market1501_folder(tmp_path)


def test_a_full_root_has_single_images_to_ask_about_and_to_search(tmp_path):
    root = tmp_path / "Market-1501-v15.09.15"
    root.mkdir()
    touch(root / "bounding_box_train", "0002_c1s1_000451_03.jpg", "0002_c1s1_000551_01.jpg")
    touch(root / "query", "0001_c1s1_001051_00.jpg", "Thumbs.db")
    touch(
        root / "bounding_box_test",
        "0001_c2s1_000301_01.jpg",
        "0001_c2s1_000401_01.jpg",
        "0000_c1s1_000151_01.jpg",
        "-1_c1s1_000401_03.jpg",
    )
    (split,) = read_market1501(tmp_path).splits
    assert [(t.name, len(t.frames)) for t in split.train] == [("0002_c1s1", 2)]
    assert [(t.name, t.identity, t.camera) for t in split.query] == [("0001_c1s1_001051_00", 1, 1)]
    assert [(t.name, t.identity, t.camera) for t in split.gallery] == [
        ("-1_c1s1_000401_03", -1, 1),
        ("0000_c1s1_000151_01", 0, 1),
        ("0001_c2s1_000301_01", 1, 2),
        ("0001_c2s1_000401_01", 1, 2),
    ]
    assert all(len(tracklet.frames) == 1 for tracklet in split.gallery)


def test_a_folder_of_images_or_a_root_without_test_images_is_there_to_learn_from(tmp_path):
    touch(tmp_path / "bounding_box_train", "0002_c1s1_000451_03.jpg")
    for root in (tmp_path, tmp_path / "bounding_box_train"):
        (split,) = read_market1501(root).splits
        assert (split.name, len(split.train), split.query, split.gallery) == ("folder", 1, (), ())


def test_queries_without_a_gallery_are_a_broken_root(tmp_path):
    touch(tmp_path / "bounding_box_train", "0002_c1s1_000451_03.jpg")
    touch(tmp_path / "query", "0001_c1s1_001051_00.jpg")
    with pytest.raises(ValueError, match="expected a folder of Market-1501 images at .*_test"):
        read_market1501(tmp_path)


def test_what_was_drawn_is_what_is_read(tmp_path):
    directory = tmp_path / "market1501" / "Market-1501-v15.09.15"
    write_market1501_official(small_world(), directory, frames=2)
    (split,) = read_market1501(tmp_path).splits
    assert [t.name for t in split.train] == ["0001_c1s1", "0001_c2s1", "0002_c1s1", "0002_c2s1"]
    assert [(t.identity, t.camera) for t in split.query] == [(3, 1), (4, 2)]
    found = sorted({(t.identity, t.camera) for t in split.gallery})
    assert found == [(-1, 1), (0, 1), (3, 2), (4, 1)]
    assert len(split.gallery) == 2 * len(found)
    assert len({t.name for t in (*split.train, *split.query, *split.gallery)}) == 4 + 2 + 8
    for tracklet in (*split.train, *split.query):
        assert_is_drawn(tracklet, small_world())
