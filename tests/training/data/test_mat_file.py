import numpy as np
import pytest
from scipy.io import savemat

from training.data.mat_file import read_mat_integers, write_mat


def read(path):
    return read_mat_integers(path, "rows", source="copy it from there")


def test_whole_numbers_of_any_type_are_read_as_integers(tmp_path):
    """MATLAB stores whole numbers as doubles, or as the smallest type that holds them."""
    for dtype in (np.float64, np.uint16, np.int32):
        savemat(tmp_path / "a.mat", {"rows": np.array([[1, 300]], dtype)})
        assert read(tmp_path / "a.mat").tolist() == [[1, 300]]
        assert read(tmp_path / "a.mat").dtype == np.int64


def test_a_missing_file_is_named_with_where_to_get_it(tmp_path):
    with pytest.raises(ValueError, match=r"the list .*a.mat, received no such file; copy it from"):
        read(tmp_path / "a.mat")


@pytest.mark.parametrize("content", [b"", b"<html>404</html>" * 20, b"version https://git-lfs"])
def test_a_web_page_saved_as_a_list_is_refused(content, tmp_path):
    (tmp_path / "a.mat").write_bytes(content)
    with pytest.raises(ValueError, match=r"a MATLAB file at .*a.mat, received one that cannot"):
        read(tmp_path / "a.mat")


def test_another_variable_is_shown(tmp_path):
    savemat(tmp_path / "a.mat", {"other": np.eye(2)})
    with pytest.raises(ValueError, match=r"variable rows in .*, received \['other'\]; copy"):
        read(tmp_path / "a.mat")


@pytest.mark.parametrize("values", [np.array([[0.5]]), np.array(["text"]), np.ones((2, 2, 2))])
def test_other_things_than_a_table_of_whole_numbers_are_refused(values, tmp_path):
    savemat(tmp_path / "a.mat", {"rows": values})
    with pytest.raises(ValueError, match="a table of whole numbers in variable rows"):
        read(tmp_path / "a.mat")


def test_what_is_written_is_read_and_the_bytes_know_no_date(tmp_path):
    write_mat(tmp_path / "a.mat", {"rows": np.array([[1, -1]], np.int32)})
    assert read(tmp_path / "a.mat").tolist() == [[1, -1]]
    assert b"20" not in (tmp_path / "a.mat").read_bytes()[:116]
