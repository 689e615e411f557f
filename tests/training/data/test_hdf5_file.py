import h5py
import numpy as np
import pytest

from training.data.hdf5_file import read_hdf5_numbers


def write(path, values, name="query"):
    with h5py.File(path, "w") as file:
        file[name] = values
    return path


@pytest.mark.parametrize("shape", [(1, 3), (3, 1), (3,)])
@pytest.mark.parametrize("dtype", [np.float64, np.uint16])
def test_a_row_or_a_column_of_any_type(shape, dtype, tmp_path):
    path = write(tmp_path / "a.mat", np.array([3, 1, 2], dtype).reshape(shape))
    assert read_hdf5_numbers(path, "query").tolist() == [3, 1, 2]


@pytest.mark.parametrize(
    ("values", "received"),
    [
        (np.array([[1, 2], [3, 4]]), r"int64 of shape \(2, 2\)"),
        (np.array([1.5]), r"float64 of shape \(1,\)"),
        (np.array([np.nan]), r"float64 of shape \(1,\)"),
        (np.zeros((0,)), r"float64 of shape \(0,\)"),
        (np.array([b"x"]), r"\|S1 of shape \(1,\)"),
        (np.float64(3), r"float64 of shape \(\)"),
    ],
)
def test_other_values_are_refused(values, received, tmp_path):
    path = write(tmp_path / "a.mat", values)
    with pytest.raises(ValueError, match=f"a row of whole numbers in .*, received {received}; res"):
        read_hdf5_numbers(path, "query")


def test_files_that_are_not_it(tmp_path):
    with pytest.raises(ValueError, match=r"expected the list .*a.mat, received no such file; rest"):
        read_hdf5_numbers(tmp_path / "a.mat", "query")
    write(tmp_path / "b.mat", np.array([1]), name="other")
    with pytest.raises(ValueError, match=r"variable query in .*, received \['other'\]; restore"):
        read_hdf5_numbers(tmp_path / "b.mat", "query")
    (tmp_path / "c.mat").write_bytes(b"MATLAB 5.0")
    with pytest.raises(ValueError, match=r"MATLAB file of version 7.3 \(HDF5\) at .* cannot be r"):
        read_hdf5_numbers(tmp_path / "c.mat", "query")
