"""LS-VID as its lists say, on made-up people, and every way in which the files may be broken."""

import shutil

import h5py
import numpy as np
import pytest

from training.data.lsvid import LSVID, read_lsvid
from training.data.synthetic import SyntheticWorld
from training.data.synthetic_lsvid import write_lsvid


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    root = tmp_path_factory.mktemp("lsvid") / "LS-VID"
    world = SyntheticWorld(seed=2, identities=4, cameras=2, height=32, width=16)
    write_lsvid(world, root, recordings=2, frames=2)
    return root


@pytest.fixture
def root(written, tmp_path):
    return shutil.copytree(written, tmp_path / "LS-VID")


def edit(path, change):
    path.write_text(change(path.read_text()), newline="")


def refusal(root):
    with pytest.raises(ValueError, match="expected") as error:
        read_lsvid(root)
    return str(error.value)


def set_queries(root, numbers):
    with h5py.File(root / "test/data/info_test.mat", "w") as file:
        file["query"] = np.array([numbers])


def test_made_up_people_are_read_as_they_were_written(root):
    data_set = LSVID.read(root.parent)
    (split,) = data_set.splits
    assert (data_set.name, split.name) == ("lsvid", "official")
    first, *_ = split.train
    assert (first.name, first.identity, first.camera) == ("0001_0001_01", 1, 1)
    folder = root / "tracklet_train/0001"
    assert first.frames == (folder / "0001_01_01_0001.jpg", folder / "0001_01_01_0002.jpg")
    assert {t.identity for t in split.train} == {1, 2}
    assert [(t.identity, t.camera) for t in split.query] == [(3, 1), (4, 2)]
    assert len(split.train) == len(split.gallery) == 2 * 2 * 2


def test_queries_are_in_the_gallery_and_counted_from_1(root):
    set_queries(root, [8, 2])
    split = read_lsvid(root).split()
    assert [t.name for t in split.query] == ["0003_0003_02", "0004_0004_04"]
    assert set(split.query) < set(split.gallery)


def test_the_older_place_of_the_lists(root):
    expected = read_lsvid(root)
    (root / "info").mkdir()
    (root / "list_sequence").rename(root / "info/list_sequence")
    (root / "test/data").rename(root / "info/data")
    assert read_lsvid(root) == expected


def test_line_ends_order_and_a_mark_after_the_start_do_not_matter(root):
    expected = read_lsvid(root)
    edit(
        root / "list_sequence/list_seq_train.txt",
        lambda text: "\r\n".join(sorted(text.replace(" ", "_ ").split("\n"), reverse=True)),
    )
    assert read_lsvid(root) == expected


def test_a_tracklet_does_not_take_the_frames_of_another_whose_number_goes_on(root):
    folder = root / "tracklet_train/0001"
    (folder / "0001_011_01_0001.jpg").touch()
    (folder / "0001_01_01_0002.jpg").unlink()
    (folder / ".DS_Store").touch()
    (first, *_) = read_lsvid(root).split().train
    assert [path.name for path in first.frames] == ["0001_01_01_0001.jpg"]


def test_frames_go_by_number_not_by_name(root):
    folder = root / "tracklet_train/0001"
    for number in ("9999", "10000"):
        (folder / f"0001_01_01_{number}.jpg").touch()
    (first, *_) = read_lsvid(root).split().train
    assert [path.stem[11:] for path in first.frames] == ["0001", "0002", "9999", "10000"]


def test_nobody_becomes_a_distractor_where_people_are_counted_from_0(root):
    for part in ("train", "test"):
        edit(
            root / f"list_sequence/list_seq_{part}.txt",
            lambda text: text.replace(" 1\n", " 0\n"),
        )
    split = read_lsvid(root).split()
    assert {t.identity for t in split.train} == {1, 3}
    assert {t.identity for t in split.gallery} == {4, 5}


@pytest.mark.parametrize(
    ("numbers", "received"),
    [([0, 1], "received 0"), ([9], "received 9"), ([2, 2], "received repeats")],
)
def test_queries_that_are_no_lines(numbers, received, root):
    set_queries(root, numbers)
    message = refusal(root)
    assert "expected lines from 1 to 8 of list_seq_test.txt, each once, in query of" in message
    assert f"{received}; restore it from the archive" in message


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("/etc/passwd 3", "expected the start of a path below the data set and an identity"),
        ("tracklet_train/../../x 3", "received 'tracklet_train/../../x 3' in line 9; restore"),
        ("tracklet_train/0001/x three", "received 'tracklet_train/0001/x three' in line 9"),
        ("tracklet_train/0001/0001_77 1", "for every line of the lists under"),
        ("tracklet_train/0009/0009_01 1", "received none for '0009_01'; restore them"),
        ("tracklet_train/0001/0001_01 2", "expected every path once in the lines of"),
        ("tracklet_train/0001/0001 1", "expected frames of one camera in every tracklet, received"),
    ],
)
def test_lines_that_name_no_tracklet(line, message, root):
    edit(root / "list_sequence/list_seq_train.txt", lambda text: f"{text}{line}\n")
    assert message in refusal(root)


@pytest.mark.parametrize("name", ["list_sequence/list_seq_test.txt", "test/data/info_test.mat"])
def test_a_missing_list_is_named(name, root):
    (root / name).unlink()
    assert f"expected the list {root / name}, received no such file" in refusal(root)
