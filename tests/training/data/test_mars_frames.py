"""Lists of MARS against images: what is named is there, and the lists agree with each other."""

import pytest

from training.data.mars_frames import identity_and_camera, listed_tracklets
from training.data.mars_lists import ListedTracklet

NAMES = ("00-1C1T0001F001.jpg", "0002C3T0001F001.jpg", "0002C3T0001F002.jpg")


@pytest.fixture
def root(tmp_path):
    (tmp_path / "names.txt").write_text("\n".join(NAMES) + "\n")
    for name in NAMES:
        path = tmp_path / "images" / name[:4] / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def read(root, *rows):
    return listed_tracklets(rows, root / "names.txt", root / "images")


JUNK = ListedTracklet("test-00001", -1, 1, start=0, stop=1)
SOMEBODY = ListedTracklet("test-00002", 2, 3, start=1, stop=3)


def test_identity_and_camera_are_in_the_name():
    assert identity_and_camera("00-1C2T0001") == (-1, 2)
    assert identity_and_camera("0000C6T0001") == (0, 6)
    assert identity_and_camera("0015C1T0001") == (15, 1)


def test_rows_become_tracklets_of_their_lines(root):
    junk, somebody = read(root, JUNK, SOMEBODY)
    assert (junk.name, junk.identity, junk.camera) == ("00-1C1T0001", -1, 1)
    assert (somebody.name, somebody.identity, somebody.camera) == ("0002C3T0001", 2, 3)
    assert somebody.frames == tuple(root / "images" / "0002" / name for name in NAMES[1:])


def test_two_rows_of_one_name_are_told_apart(root):
    first = ListedTracklet("test-00002", 2, 3, start=1, stop=2)
    second = ListedTracklet("test-00003", 2, 3, start=2, stop=3)
    names = [tracklet.name for tracklet in read(root, first, second)]
    assert names == ["0002C3T0001-test-00002", "0002C3T0001-test-00003"]


@pytest.mark.parametrize(
    ("row", "received"),
    [
        (ListedTracklet("test-00001", 2, 3, start=1, stop=4), "received 2 lines, 0002C3T0001F001"),
        (ListedTracklet("test-00001", 2, 3, start=9, stop=10), "received 0 lines, none the first"),
        (ListedTracklet("test-00001", -1, 1, start=0, stop=2), "received 2 lines, 00-1C1T0001F001"),
        (ListedTracklet("test-00001", 7, 3, start=1, stop=3), "identity 7 and camera 3 in lines 2"),
        (ListedTracklet("test-00001", 2, 1, start=1, stop=3), "identity 2 and camera 1 in lines 2"),
    ],
)
def test_lists_that_disagree_are_refused(row, received, root):
    with pytest.raises(ValueError, match=received) as refusal:
        read(root, row)
    assert "as test-00001 says" in str(refusal.value)
    assert refusal.value.paths == (root / "names.txt",)


def test_a_name_that_is_not_one_of_mars_is_refused(root):
    (root / "names.txt").write_text("me.jpg\n")
    with pytest.raises(ValueError, match="received 1 lines, me.jpg the first; copy it from"):
        read(root, JUNK)


def test_every_missing_image_is_a_path_of_the_error(root):
    for name in NAMES[1:]:
        (root / "images" / "0002" / name).unlink()
    message = "official list under .*images, received 2 missing, '0002C3T0001F001.jpg' and 1 more"
    with pytest.raises(ValueError, match=message) as refusal:
        read(root, JUNK, SOMEBODY)
    assert [path.name for path in refusal.value.paths] == list(NAMES[1:])


def test_a_missing_list_or_folder_is_named(root):
    (root / "images").rename(root / "elsewhere")
    with pytest.raises(ValueError, match="expected the folder .*images, received nothing"):
        read(root, JUNK)
    (root / "names.txt").unlink()
    with pytest.raises(ValueError, match="expected the list .*names.txt, received no such file"):
        read(root, JUNK)


@pytest.mark.parametrize(
    ("content", "received"), [(b"\xff\xfe\x00", "bytes that are none"), (b"", "an empty file")]
)
def test_a_list_that_is_not_text_is_refused_with_where_to_get_it(content, received, root):
    (root / "names.txt").write_bytes(content)
    with pytest.raises(ValueError, match=rf"names.txt, received {received}; copy it from info/"):
        read(root, SOMEBODY)
