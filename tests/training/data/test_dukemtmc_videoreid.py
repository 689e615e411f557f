"""DukeMTMC-VideoReID: both styles of names, frames by number, queries found in the gallery."""

import shutil

import pytest

from tests.training.data.drawn_layouts import assert_is_drawn, small_world
from training.data.dukemtmc_videoreid import read_dukemtmc_videoreid
from training.data.synthetic_dukemtmc_videoreid import write_dukemtmc_videoreid


@pytest.fixture
def root(tmp_path):
    """One tracklet to learn from; one to ask about, which the gallery has, and its match."""
    tracklet(tmp_path, "train/0001/0001", "0001_C6_F0001_X30823.jpg")
    tracklet(tmp_path, "query/0002/0001", "0002_C1_F0001_X100.jpg", "0002_C1_F0002_X112.jpg")
    tracklet(tmp_path, "gallery/0002/0007", "0002_C1_F0001_X100.jpg", "0002_C1_F0002_X112.jpg")
    tracklet(tmp_path, "gallery/0002/0008", "0002_C2_F0001_X100.jpg")
    return tmp_path


def tracklet(root, folder, *frames):
    (root / folder).mkdir(parents=True, exist_ok=True)
    for frame in frames:
        (root / folder / frame).touch()


def read(root):
    (split,) = read_dukemtmc_videoreid(root).splits
    return split


def test_what_was_drawn_is_what_is_read(tmp_path):
    directory = tmp_path / "dukemtmc-vidreid" / "DukeMTMC-VideoReID"
    write_dukemtmc_videoreid(small_world(), directory, recordings=2, frames=2)
    for place in (tmp_path, tmp_path / "dukemtmc-vidreid", directory):
        split = read(place)
        assert (len(split.train), len(split.query), len(split.gallery)) == (8, 2, 8)
    assert {t.name for t in split.query} < {t.name for t in split.gallery}
    assert {t.identity for t in split.train} == {1, 2}
    for each in (*split.train, *split.query, *split.gallery):
        later = int(each.name.partition("X")[2]) > 1000
        assert_is_drawn(each, small_world(), recording=int(later))


def test_frames_come_in_the_order_of_f_from_wherever_it_starts_and_over_gaps(root):
    folder = "train/0009/0001"
    numbers = (2, 3, 7, 10, 11, 100)
    names = [f"0009_C3_F{number:04d}_X{1000 + number}.jpg" for number in numbers]
    tracklet(root, folder, *reversed(names), "Thumbs.db", "labels.txt")
    (found,) = (t for t in read(root).train if t.identity == 9)
    assert [path.name for path in found.frames] == names


def test_names_without_underscores_are_an_older_copy_of_the_same(root):
    tracklet(root, "train/0009/0001", "0009C3F0002X1001.jpg", "0009C3F0001X1000.jpg")
    (found,) = (t for t in read(root).train if t.identity == 9)
    assert (found.name, found.camera) == ("0009C3X001000", 3)
    assert [path.name for path in found.frames] == ["0009C3F0001X1000.jpg", "0009C3F0002X1001.jpg"]


def test_a_query_has_the_name_of_the_gallery_tracklet_it_is(root):
    split = read(root)
    assert [t.name for t in split.gallery] == ["0002C1X000100", "0002C2X000100"]
    assert [t.name for t in split.query] == ["0002C1X000100"]
    # Even when its first frame is missing in one of the copies.
    (root / "query/0002/0001/0002_C1_F0001_X100.jpg").unlink()
    assert [t.name for t in read(root).query] == ["0002C1X000100"]


def test_a_query_the_gallery_lacks_keeps_a_name_of_its_own(root):
    shutil.rmtree(root / "gallery/0002/0007")
    split = read(root)
    assert [t.name for t in split.query] == ["0002C1X000100"]
    assert [t.name for t in split.gallery] == ["0002C2X000100"]


def test_other_people_of_the_gallery_count_as_people(root):
    tracklet(root, "gallery/0077/0001", "0077_C1_F0001_X1.jpg")
    assert [t.identity for t in read(root).gallery] == [2, 2, 77]


def test_a_copy_of_a_tracklet_is_refused(root):
    tracklet(root, "gallery/0002/0009", "0002_C2_F0001_X100.jpg")
    message = "each tracklet in one folder, received the frames of '0008' and 1 more in another"
    with pytest.raises(ValueError, match=message) as refusal:
        read(root)
    assert [path.name for path in refusal.value.paths] == ["0008", "0009"]


@pytest.mark.parametrize("frame", ["0002_C2_F0002_X101.jpg", "0001_C5_F0002_X101.jpg"])
def test_a_frame_of_another_person_or_camera_is_refused(frame, root):
    tracklet(root, "train/0001/0001", frame)
    with pytest.raises(ValueError, match="frames of one camera.* received others in '0001'; rest"):
        read(root)


def test_an_empty_tracklet_or_part_is_named(root):
    (root / "gallery/0002/0009").mkdir()
    with pytest.raises(ValueError, match="every folder of a tracklet, received none in '0009'"):
        read(root)
    shutil.rmtree(root / "query")
    with pytest.raises(ValueError, match="expected the folder .*query, received nothing"):
        read(root)
