"""CCVID as its lists say, on made-up people who change clothes, and broken files."""

import shutil

import pytest

from training.data.ccvid import CCVID, read_ccvid
from training.data.synthetic import SyntheticWorld
from training.data.synthetic_ccvid import write_ccvid


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    root = tmp_path_factory.mktemp("ccvid") / "CCVID"
    world = SyntheticWorld(seed=2, identities=4, cameras=2, height=32, width=16)
    write_ccvid(world, root, recordings=3, frames=2)
    return root


@pytest.fixture
def root(written, tmp_path):
    return shutil.copytree(written, tmp_path / "CCVID")


def edit(path, change):
    path.write_text(change(path.read_text()), newline="")


def refusal(root):
    with pytest.raises(ValueError, match="expected") as error:
        read_ccvid(root)
    return str(error.value)


def test_made_up_people_are_read_as_they_were_written(root):
    data_set = CCVID.read(root.parent)
    general, changing = data_set.splits
    assert (general.name, general.excludes_same_outfit) == ("general", False)
    assert (changing.name, changing.excludes_same_outfit) == ("clothes-changing", True)
    assert general.gallery == changing.gallery
    first, *_ = general.train
    assert (first.name, first.identity, first.camera) == ("session1_001_01", 1, 1)
    assert first.outfit == "u0_l0"
    folder = root / "session1/001_01"
    assert first.frames == (folder / "00001.jpg", folder / "00002.jpg")
    assert [len(part) for part in (general.train, general.query, general.gallery)] == [12, 2, 10]
    assert not {t.name for t in general.query} & {t.name for t in general.gallery}


def test_cameras_of_the_third_session_are_others(root):
    cameras = {t.name: t.camera for t in read_ccvid(root).split().train}
    assert cameras["session2_001_02"] == 2
    assert cameras["session3_001_02"] == 14


def test_line_ends_and_order_do_not_matter(root):
    expected = read_ccvid(root)
    edit(root / "gallery.txt", lambda text: "\r\n".join(reversed(text.split("\n"))).strip())
    assert read_ccvid(root) == expected


def test_frames_go_by_number_not_by_name(root):
    for number in ("99999", "100000"):
        (root / f"session1/001_01/{number}.jpg").touch()
    (first, *_) = read_ccvid(root).split().train
    assert [path.stem for path in first.frames] == ["00001", "00002", "99999", "100000"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("session1/001_09 002 u0", "a folder like session1/001_01 and the identity that its name"),
        ("session4/001_01 001 u0", "received 'session4/001_01 001 u0' in line 13; restore"),
        ("session1/000_01 000 u0", "received 'session1/000_01 000 u0' in line 13; restore"),
        ("session1/001_01 001", "expected folder identity outfit in every line of"),
        ("session1/001_01 001 u1", "expected every folder once in the lines of"),
        ("session1/001_09 001 u0", "received 1 missing, '001_09'; restore them"),
        ("../session1/001_09 001 u0", "received '../session1/001_09 001 u0' in line 13"),
    ],
)
def test_lines_that_name_no_tracklet(line, message, root):
    edit(root / "train.txt", lambda text: f"{text}{line}\n")
    assert message in refusal(root)


def test_a_tracklet_of_two_lists(root):
    line = (root / "query.txt").read_text().splitlines()[0]
    edit(root / "gallery.txt", lambda text: f"{text}{line}\n")
    message = refusal(root)
    assert f"tracklets that are in no other line or list of {root / 'gallery.txt'}" in message
    assert "in line 11" in message


def test_a_missing_list_and_a_folder_without_frames(root):
    for path in (root / "session1/001_01").iterdir():
        path.unlink()
    assert "received none in '001_01'; restore the frames" in refusal(root)
    (root / "gallery.txt").unlink()
    assert f"expected the list {root / 'gallery.txt'}, received no such file" in refusal(root)
