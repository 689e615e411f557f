"""What a row may say, all that is wrong at once, and hostile rows."""

import pytest

from tests.manifest_files import HEADER, write_table
from training.data.manifest_csv import read_manifest


def error_of(folder, rows, header=HEADER):
    path = write_table(folder, "\n".join([header, *rows, ""]))
    with pytest.raises(ValueError, match="expected") as refusal:
        read_manifest(path)
    assert refusal.value.paths == (path,)
    return str(refusal.value)


def test_everything_wrong_is_in_one_error_with_its_rows(tmp_path):
    good = "x.jpg,5,1,t,train"
    rows = ["a,5,1,t,test", good, "b,,1,t,train", "c,5,1,,train", "d,5,1,t,", "e,=1,1,t,train"]
    message = error_of(tmp_path, [*rows, "f,5,@1,t,train", "g,5,1,t,trian"])
    assert message.startswith("expected columns frame, identity, camera, tracklet, split and")
    assert (
        "received 7 problems; correct these rows:\n  row 2: expected a split of train, query,"
        in message
    )
    assert "\n  row 4: expected the identity of a frame, received an empty cell\n" in message
    assert "\n  row 5: expected the tracklet of a frame, received an empty cell\n" in message
    assert "\n  row 7: expected a plain identity, received the formula '=1'\n" in message
    assert message.endswith("\n  and 2 more")


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (
            "a,99999999999999999999,1,t,train",
            "whole numbers of 0 to 2147483647 as identity, received 9",
        ),
        (f"a,{'9' * 5000},1,t,train", "whole numbers of 0 to 2147483647 as identity, received 9"),
        ("a,5,-3,t,train", "whole numbers of 0 to 2147483647 as camera, received -3; write a"),
        ("a,-2,3,t,train", "whole numbers of 0 to 2147483647 as identity, received -2; write"),
        ("a,5,1,+t,train", "a plain tracklet, received the formula '+t'"),
        ("a,5,1,t\x07,train", "a printable tracklet, received 't\\x07'"),
        ("@a,5,1,t,train", "a plain frame, received the formula '@a'"),
        ("a\\b.jpg,5,1,t,train", "/ between folders, received 'a\\\\b.jpg'"),
    ],
)
def test_cells_that_mean_something_else_are_refused(row, problem, tmp_path):
    assert f"row 2: expected {problem}" in error_of(tmp_path, [row])


@pytest.mark.parametrize("frame", ["/etc/hostname", "../x.jpg", "a/../../x.jpg"])
def test_frames_stay_below_the_folder_of_the_manifest(frame, tmp_path):
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / "manifest.csv"
    path.write_text(f"{HEADER}\n{frame},5,1,t,train\n")
    with pytest.raises(ValueError, match="row 2: expected a path below the manifest's own folder"):
        read_manifest(path)


def test_frames_that_are_not_there_and_frames_that_come_twice(tmp_path):
    path = write_table(tmp_path, f"{HEADER}\na/1.jpg,5,1,t,train\n./a/1.jpg,5,1,u,train\n")
    with path.open("a") as file:
        file.write("a/2.jpg,5,1,t,train\nb/1.jpg,5,1,t,train\na,5,1,t,train\n")
    with pytest.raises(ValueError, match="4 problems") as refusal:
        read_manifest(path)
    message = str(refusal.value)
    assert "row 3: expected each frame once, received 'a/1.jpg' again after row 2" in message
    for row, name in ((4, "a/2.jpg"), (5, "b/1.jpg"), (6, "a")):
        assert f"row {row}: expected the file '{name}', received none there" in message


@pytest.mark.parametrize("moment", ["yesterday", "nan", "inf", "2026-13-01"])
def test_moments_that_are_none(moment, tmp_path):
    message = error_of(tmp_path, [f"a,5,1,t,train,{moment}"], HEADER + ",timestamp")
    assert "row 2: expected a timestamp in seconds or like 2026-01-31T08:00:00, received" in message


def test_two_kinds_of_moments_in_one_table(tmp_path):
    rows = ["a,5,1,t,train,12.5", "b,5,1,u,train,", "c,5,1,v,train,2026-01-31T08:00:00"]
    message = error_of(tmp_path, rows, HEADER + ",timestamp")
    assert "row 4: expected timestamps of one kind, received '2026-01-31T08:00:00' after" in message
    assert "'12.5' in row 2" in message
