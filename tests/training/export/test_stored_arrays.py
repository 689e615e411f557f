import io
import zipfile

import numpy as np
import pytest

from model.manifest import ArtifactError
from training.export.stored_arrays import stored_array


def read(path, **changes):
    return stored_array(path, **{"dtype": np.float32, "shape": (None, 3), **changes})


def refused(path, told, **changes):
    with pytest.raises(ArtifactError, match=told + r".*; export the artifact again"):
        read(path, **changes)


def test_what_was_stored_comes_back_and_can_be_written_to(tmp_path):
    stored = np.arange(6, dtype=np.float32).reshape(2, 3)
    np.save(tmp_path / "a.npy", stored)
    received = read(tmp_path / "a.npy")
    np.testing.assert_array_equal(received, stored)
    received += 1
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), stored)


@pytest.mark.parametrize("shape", [(2, 4), (3,), (1, 2, 3), (0, 3)])
def test_another_shape_is_refused(tmp_path, shape):
    np.save(tmp_path / "a.npy", np.zeros(shape, dtype=np.float32))
    refused(tmp_path / "a.npy", r"expected 'a.npy' to be float32 \[any, 3\], received float32 \[")


def test_another_type_is_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((2, 3)))
    refused(tmp_path / "a.npy", r"to be float32 \[any, 3\], received float64 \[2, 3\]")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_is_refused(tmp_path, value):
    np.save(tmp_path / "a.npy", np.array([[0, value, 0]], dtype=np.float32))
    refused(tmp_path / "a.npy", "expected finite numbers in 'a.npy', received NaN or infinity")


@pytest.mark.parametrize("content", [b"", b"no array", b"\x93NUMPY\x01\x00"])
def test_what_is_no_array_is_refused(tmp_path, content):
    (tmp_path / "a.npy").write_bytes(content)
    refused(tmp_path / "a.npy", "expected an array in 'a.npy', received: ")


def test_objects_are_never_made(tmp_path):
    np.save(tmp_path / "a.npy", np.array([[{}, {}, {}]]), allow_pickle=True)
    refused(tmp_path / "a.npy", "expected an array in 'a.npy', received: .*Python objects")


def test_an_archive_is_refused(tmp_path):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.npy", b"")
    (tmp_path / "a.npy").write_bytes(stream.getvalue())
    refused(tmp_path / "a.npy", "expected one array in 'a.npy', received an archive")


def test_a_claim_beyond_memory_is_refused(tmp_path):
    with (tmp_path / "a.npy").open("wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": (1 << 50, 3)}
        np.lib.format.write_array_header_1_0(file, header)
    refused(tmp_path / "a.npy", "expected an array in 'a.npy', received: ")
