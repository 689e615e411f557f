"""iLIDS-VID: 1-based places in the sorted list of people, halves, and what may be missing."""

import numpy as np
import pytest

from tests.training.data.drawn_layouts import assert_is_drawn, small_world
from training.data.ilids_vid import read_ilids_vid
from training.data.mat_file import write_mat
from training.data.synthetic_two_views import write_ilids_vid

LIST = "train-test people splits/train_test_splits_ilidsvid.mat"


@pytest.fixture
def root(tmp_path):
    write_ilids_vid(small_world(), tmp_path / "ilids-vid", frames=2)
    return tmp_path / "ilids-vid"


def rewrite(root, *rows):
    write_mat(root / LIST, {"ls_set": np.array(rows)})


def identities(tracklets):
    return [tracklet.identity for tracklet in tracklets]


def test_what_was_drawn_is_what_is_read(root):
    data_set = read_ilids_vid(root.parent)
    assert [split.name for split in data_set.splits] == [f"split-{n:02d}" for n in range(1, 11)]
    for split in data_set.splits:
        assert len(split.train) == 4
        everybody = [*split.train, *split.query, *split.gallery]
        assert sorted(t.name for t in everybody) == [
            f"person{person:03d}_cam{camera}" for person in range(1, 5) for camera in (1, 2)
        ]
        assert identities(split.query) == identities(split.gallery)
        assert ({t.camera for t in split.query}, {t.camera for t in split.gallery}) == ({1}, {2})
    for tracklet in everybody:
        assert_is_drawn(tracklet, small_world())
    assert len({tuple(identities(split.query)) for split in data_set.splits}) > 1


def test_the_first_half_of_a_row_is_tested_on_and_places_count_from_one(root):
    rewrite(root, [4, 2, 3, 1])
    (split,) = read_ilids_vid(root).splits
    assert (identities(split.query), identities(split.train)) == ([2, 4], [1, 1, 3, 3])
    (swapped,) = read_ilids_vid(root, test_half="last").splits
    assert (identities(swapped.query), identities(swapped.train)) == ([1, 3], [2, 2, 4, 4])


def test_places_are_in_the_list_of_people_and_are_not_their_numbers(root):
    """The original has numbers up to 319 for 300 people."""
    for camera in ("cam1", "cam2"):
        folder = root / "i-LIDS-VID" / "sequences" / camera
        for frame in (folder / "person002").iterdir():
            frame.rename(frame.with_name(frame.name.replace("person002", "person319")))
        (folder / "person002").rename(folder / "person319")
    rewrite(root, [4, 1, 3, 2])
    (split,) = read_ilids_vid(root).splits
    assert identities(split.query) == [1, 319]


@pytest.mark.parametrize("row", [[0, 1, 2, 3], [1, 2, 3, 3], [1, 2, 3], [1, 2, 3, 4, 5, 6]])
def test_a_list_of_other_people_is_refused(row, root):
    rewrite(root, row)
    message = f"each of the 4 people with images once in every row .* received rows of {len(row)}"
    with pytest.raises(ValueError, match=message):
        read_ilids_vid(root)


def test_a_missing_list_or_camera_is_named(root):
    (root / LIST).unlink()
    with pytest.raises(ValueError, match=f"the list .*{LIST}, received no such file; restore it"):
        read_ilids_vid(root)
    (root / "i-LIDS-VID/sequences/cam2").rename(root / "elsewhere")
    with pytest.raises(ValueError, match="expected the folder .*cam2, received nothing"):
        read_ilids_vid(root)
