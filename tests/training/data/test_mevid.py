"""MEVID as its lists say, on made-up people who change clothes, and broken files."""

import shutil

import pytest

from training.data.mevid import MEVID, read_mevid
from training.data.synthetic import SyntheticWorld
from training.data.synthetic_mevid import write_mevid

LISTS = (
    "train_name.txt",
    "test_name.txt",
    "track_train_info.txt",
    "track_test_info.txt",
    "query_IDX.txt",
)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    root = tmp_path_factory.mktemp("mevid") / "mevid"
    world = SyntheticWorld(seed=2, identities=4, cameras=2, height=32, width=16)
    write_mevid(world, root, recordings=2, frames=2)
    return root


@pytest.fixture
def root(written, tmp_path):
    return shutil.copytree(written, tmp_path / "mevid")


def edit(path, change):
    path.write_text(change(path.read_text()), newline="")


def edit_line(path, number, line):
    lines = path.read_text().splitlines()
    lines[number] = line
    path.write_text("\n".join(lines))


def refusal(root):
    with pytest.raises(ValueError, match="expected") as error:
        read_mevid(root)
    return str(error.value)


def test_made_up_people_are_read_as_they_were_written(root):
    general, changing = MEVID.read(root.parent).splits
    assert (general.name, general.excludes_same_outfit) == ("general", False)
    assert (changing.name, changing.excludes_same_outfit) == ("clothes-changing", True)
    assert general.query == changing.query
    first, second, *_ = general.train
    assert (first.name, first.identity, first.camera) == ("0001O000C101T000", 1, 101)
    assert (first.outfit, second.outfit) == ("0", "0")
    folder = root / "bbox_train/0001"
    assert first.frames == (
        folder / "0001O000C101T000F00000.jpg",
        folder / "0001O000C101T000F00001.jpg",
    )
    assert [len(part) for part in (general.train, general.query, general.gallery)] == [8, 2, 6]


def test_queries_are_counted_from_0_and_not_in_the_gallery(root):
    (root / "query_IDX.txt").write_text("7\r\n0\r\n")
    split = read_mevid(root).split()
    assert [t.name for t in split.query] == ["0003O000C101T000", "0004O001C102T001"]
    assert len(split.gallery) == 6
    assert not set(split.query) & set(split.gallery)


@pytest.mark.parametrize(
    "place", ["mevid-v1-annotation-data", "annotation/mevid-v1-annotation-data"]
)
def test_the_lists_may_lie_in_the_folder_of_their_archive(place, root):
    expected = read_mevid(root)
    (root / place).mkdir(parents=True)
    for name in LISTS:
        (root / name).rename(root / place / name)
    assert read_mevid(root) == expected


def test_whole_numbers_and_frames_out_of_order(root):
    expected = read_mevid(root)
    edit_line(root / "track_train_info.txt", 0, "0 1 1 0 101")
    names = (root / "train_name.txt").read_text().splitlines()
    names[:2] = names[1::-1]
    (root / "train_name.txt").write_text("\r\n".join(names))
    assert read_mevid(root) == expected


def test_a_line_without_frames_is_no_tracklet_but_keeps_its_place(root):
    expected = read_mevid(root).split()
    edit_line(root / "track_test_info.txt", 1, "5 4 3 1 101")
    split = read_mevid(root).split()
    assert split.query == expected.query
    assert len(split.gallery) == len(expected.gallery) - 1
    (root / "query_IDX.txt").write_text("1\n")
    assert "places of tracklets with frames in track_test_info.txt, from 0," in refusal(root)


def test_two_lines_of_one_tracklet_are_told_apart(root):
    edit_line(root / "track_train_info.txt", 0, "0 0 1 0 101")
    edit(root / "track_train_info.txt", lambda text: f"{text}\n1 1 1 0 101\n")
    names = [t.name for t in read_mevid(root).split().train]
    assert names[:2] == ["0001O000C101T000-00000", "0001O000C101T000-00008"]


def test_nobody_becomes_a_distractor_where_people_are_counted_from_0(root):
    for part in ("train", "test"):
        edit(root / f"{part}_name.txt", lambda text: text.replace("0001O", "0000O"))
        edit(
            root / f"track_{part}_info.txt",
            lambda text: "\n".join(
                " ".join([*fields[:2], "0" if float(fields[2]) == 1 else fields[2], *fields[3:]])
                for fields in map(str.split, text.splitlines())
            ),
        )
    shutil.move(root / "bbox_train/0001", root / "bbox_train/0000")
    for path in (root / "bbox_train/0000").iterdir():
        path.rename(path.with_name(path.name.replace("0001O", "0000O")))
    split = read_mevid(root).split()
    assert {t.identity for t in split.train} == {1, 3}
    assert {t.identity for t in split.query} == {4, 5}


@pytest.mark.parametrize(
    "line",
    ["0 1 2 0 101", "0 1 1 0 102", "1 2 1 0 101", "0 99 1 0 101"],
    ids=["identity", "camera", "one off", "too far"],
)
def test_lists_that_disagree(line, root):
    edit_line(root / "track_train_info.txt", 0, line)
    message = refusal(root)
    assert "frames of one tracklet, with the identity and camera of the line, in" in message
    assert f"received others for line 1 of 1 such lines: {line}; restore both lists" in message


def test_a_name_that_comes_twice_in_a_tracklet(root):
    names = (root / "train_name.txt").read_text().splitlines()
    edit_line(root / "train_name.txt", 1, names[0])
    assert "received others for line 1 of 1 such lines" in refusal(root)


def test_missing_frames_are_counted(root):
    (root / "bbox_test/0003/0003O000C101T000F00001.jpg").unlink()
    shutil.rmtree(root / "bbox_test/0004")
    message = refusal(root)
    assert "received 9 missing, '0003O000C101T000F00001.jpg' and 8 more; restore" in message


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("query_IDX.txt", "8\n", "in every line of"),
        ("query_IDX.txt", "-1\n", "received '-1' in line 1; restore"),
        ("query_IDX.txt", "1\n1\n", "expected every line once in the lines of"),
        ("track_test_info.txt", "0 1 2 3\n", "expected first last identity outfit camera in every"),
        ("track_test_info.txt", "0 1 -2 3 4\n", "whole numbers from 0 (first last identity outfi"),
        ("track_test_info.txt", "0 1.5 2 3 4\n", "received '0 1.5 2 3 4' in line 1; restore"),
    ],
)
def test_lists_that_are_broken(name, content, message, root):
    (root / name).write_text(content)
    assert message in refusal(root)


@pytest.mark.parametrize("name", LISTS)
def test_a_missing_list_is_named(name, root):
    (root / name).unlink()
    assert f"expected the list {root / name}, received no such file" in refusal(root)
