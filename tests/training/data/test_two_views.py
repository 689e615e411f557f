import re

import pytest

from training.data.two_views import read_two_views

FRAME = re.compile(r"(?P<order>\d+)\.\w+")


def person(root, camera, name, frames=("0001.png",)):
    folder = root / camera / name
    folder.mkdir(parents=True)
    for frame in frames:
        (folder / frame).touch()


def read(root, **options):
    cameras = (root / "cam_a", root / "cam_b")
    return read_two_views(cameras, frame=FRAME, example="0001.png", **options)


@pytest.fixture
def root(tmp_path):
    for name in ("person_0003", "person_0001", "person_0002"):
        for camera in ("cam_a", "cam_b"):
            person(tmp_path, camera, name)
    return tmp_path


def test_the_first_camera_asks_and_the_second_is_searched(root):
    views = read(root)
    assert views.people == ("person_0001", "person_0002", "person_0003")
    asked, known = views.asked["person_0002"], views.known["person_0002"]
    assert (asked.name, asked.identity, asked.camera) == ("person_0002_cam_a", 2, 1)
    assert (known.name, known.identity, known.camera) == ("person_0002_cam_b", 2, 2)


def test_a_split_learns_from_both_views_and_asks_in_order(root):
    split = read(root).split("one", train=["person_0002"], test=["person_0003", "person_0001"])
    assert [t.name for t in split.train] == ["person_0002_cam_a", "person_0002_cam_b"]
    assert [t.name for t in split.query] == ["person_0001_cam_a", "person_0003_cam_a"]
    assert [t.name for t in split.gallery] == ["person_0001_cam_b", "person_0003_cam_b"]


def test_beyond_the_last_person_nobody_is_read(root):
    person(root, "cam_a", "person_0004", frames=())
    assert len(read(root, last_person=3).people) == 3


def test_people_before_one_camera_only_are_paths_of_the_error(root):
    person(root, "cam_a", "person_0009")
    person(root, "cam_b", "person_0008")
    message = "before both cameras cam_a and cam_b, received 'person_0009' and 1 more before one"
    with pytest.raises(ValueError, match=message) as refusal:
        read(root)
    assert {path.name for path in refusal.value.paths} == {"person_0008", "person_0009"}


def test_a_foreign_folder_is_shown(root):
    person(root, "cam_b", "masks")
    with pytest.raises(ValueError, match="folders named like person001 in .*, received 'masks'"):
        read(root)
