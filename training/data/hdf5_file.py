"""Variables of MATLAB files of version 7.3, which are HDF5: the queries of LS-VID come in one."""

from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from training.data.layout_error import LayoutError
from training.data.list_file import RESTORE


def read_hdf5_numbers(path: Path, variable: str) -> NDArray[np.int64]:
    """Whole numbers of a row or column, as one axis `[n]`.

    Raises:
        LayoutError: When the file is missing, is no HDF5, has no such variable, or other values.
    """
    if not path.is_file():
        raise LayoutError(f"the list {path}", "no such file", RESTORE, paths=[path])
    try:
        with h5py.File(path, "r") as file:
            known = sorted(file)
            values = np.asarray(file[variable][()]) if variable in file else None
    except OSError as error:
        raise LayoutError(
            f"a MATLAB file of version 7.3 (HDF5) at {path}",
            f"one that cannot be read ({error})",
            RESTORE,
            paths=[path],
        ) from error
    if values is None:
        raise LayoutError(f"variable {variable} in {path}", f"{known}", RESTORE, paths=[path])
    whole = values.dtype.kind in "iuf" and values.size > 0 and (values == np.round(values)).all()
    if not whole or values.size != max(values.shape, default=0):
        raise LayoutError(
            f"a row of whole numbers in variable {variable} of {path}",
            f"{values.dtype} of shape {values.shape}",
            RESTORE,
            paths=[path],
        )
    return values.reshape(-1).astype(np.int64)
