"""Frames in the order of their numbers, whatever the order of a listing."""

import re

import pytest

from training.data.frame_folders import folders_in, read_frame_folders

FRAME = re.compile(r"F(?P<order>\d+)\.\w+")


def touch(folder, *names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


def test_numbers_decide_and_may_start_anywhere_with_gaps(tmp_path):
    folder = touch(tmp_path / "a", "F10.jpg", "F2.jpg", "F9.png", "F0030.JPG")
    read = read_frame_folders([folder], FRAME, example="F1.jpg")
    assert [path.name for _, path in read[folder]] == ["F2.jpg", "F9.png", "F10.jpg", "F0030.JPG"]


def test_files_that_are_no_images_are_passed_over(tmp_path):
    folder = touch(tmp_path / "a", "F1.jpg", "Thumbs.db", "notes.txt", "._F1.jpg", "F2.jpg~")
    assert len(read_frame_folders([folder], FRAME, example="F1.jpg")[folder]) == 1


def test_every_empty_folder_is_a_path_of_the_error(tmp_path):
    folders = [touch(tmp_path / name) for name in "cab"] + [touch(tmp_path / "d", "F1.jpg")]
    message = "images like F1.jpg in every folder of a tracklet, received none in 'a' and 2 more"
    with pytest.raises(ValueError, match=message) as refusal:
        read_frame_folders(folders, FRAME, example="F1.jpg")
    assert [path.name for path in refusal.value.paths] == ["a", "b", "c"]


def test_every_foreign_image_is_a_path_of_the_error(tmp_path):
    folders = [touch(tmp_path / "a", "F1.jpg", "face.png"), touch(tmp_path / "b", "me.jpg")]
    with pytest.raises(ValueError, match="named like F1.jpg, received 'face.png' and 1 more"):
        read_frame_folders(folders, FRAME, example="F1.jpg")


def test_folders_are_sorted_and_hidden_ones_and_files_left_out(tmp_path):
    for name in ("b", "a", ".c"):
        (tmp_path / name).mkdir()
    touch(tmp_path, "readme.txt")
    assert [path.name for path in folders_in(tmp_path)] == ["a", "b"]


def test_a_missing_folder_or_one_without_folders_is_named(tmp_path):
    with pytest.raises(ValueError, match="expected the folder .*absent, received nothing; restore"):
        folders_in(tmp_path / "absent")
    with pytest.raises(ValueError, match=r"expected folders in .*, received none; restore them"):
        folders_in(tmp_path)
