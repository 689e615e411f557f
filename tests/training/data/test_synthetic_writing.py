import numpy as np
import pytest
from PIL import Image

from training.data.synthetic_writing import check_range, new_directory, save_frame


def test_a_directory_appears_whole(tmp_path):
    with new_directory(tmp_path / "deep" / "new") as folder:
        (folder / "file").touch()
        assert not (tmp_path / "deep" / "new").exists()
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["new"]
    assert (tmp_path / "deep" / "new" / "file").exists()


def test_or_not_at_all(tmp_path):
    with pytest.raises(OSError, match="disk"), new_directory(tmp_path / "new"):
        raise OSError("disk full")
    assert not list(tmp_path.iterdir())


def test_a_directory_in_use_is_refused(tmp_path):
    (tmp_path / "kept").touch()
    message = "expected .* to be absent or an empty directory, received one in use; remove it"
    with pytest.raises(ValueError, match=message), new_directory(tmp_path):
        pass


def test_a_frame_is_a_picture_in_a_folder_made_for_it(tmp_path):
    frame = np.full((64, 32, 3), (200, 30, 90), np.uint8)
    save_frame(frame, tmp_path / "a" / "b.jpg")
    with Image.open(tmp_path / "a" / "b.jpg") as image:
        assert np.abs(np.asarray(image).astype(int) - frame).max() < 6


def test_numbers_outside_a_range_are_refused():
    check_range("cameras", 1, 1, 9)
    check_range("cameras", 9, 1, 9)
    with pytest.raises(ValueError, match="expected cameras of 1 to 9 for this layout, received 10"):
        check_range("cameras", 10, 1, 9)
    with pytest.raises(ValueError, match="expected cameras of 1 or more .* received 0; choose"):
        check_range("cameras", 0, 1, None)
