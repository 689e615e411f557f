import pytest

from training.data.data_set_root import find_root, what_is_at


def find(root):
    return find_root(root, title="Some", holds=["train", "lists.txt"], names=["Some-v1", "some"])


def test_the_root_itself_or_a_folder_with_a_customary_name(tmp_path):
    (tmp_path / "some" / "train").mkdir(parents=True)
    assert find(tmp_path) == tmp_path / "some"
    assert find(tmp_path / "some") == tmp_path / "some"
    (tmp_path / "lists.txt").touch()
    assert find(tmp_path) == tmp_path


def test_nothing_of_the_kind_names_every_place_that_was_looked_at(tmp_path):
    expected = r"expected Some with train/ or lists.txt in one of .*, .*/Some-v1, .*/some"
    with pytest.raises(ValueError, match=f"{expected}, received an empty folder; set the root to"):
        find(tmp_path)


def test_what_was_found_instead(tmp_path):
    assert what_is_at(tmp_path / "absent") == "nothing at all"
    assert what_is_at(tmp_path) == "an empty folder"
    for name in "gfedcba":
        (tmp_path / name).touch()
    assert what_is_at(tmp_path / "a") == "a file"
    assert what_is_at(tmp_path) == "a folder of a, b, c, d, e and 2 more"
