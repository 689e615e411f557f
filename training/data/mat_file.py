"""Variables of MATLAB files, in which the official lists of MARS and iLIDS-VID come."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.io import loadmat, savemat

from training.data.layout_error import LayoutError

_TEXT_BYTES = 116


def read_mat_integers(path: Path, variable: str, *, source: str) -> NDArray[np.int64]:
    """A two-dimensional variable of whole numbers [rows, columns].

    Args:
        path: A .mat file.
        variable: Its name in there.
        source: Where to get the file from, for the message.

    Raises:
        LayoutError: When the file is missing or unreadable, or has no such variable.
    """
    if not path.is_file():
        raise LayoutError(f"the list {path}", "no such file", source, paths=[path])
    try:
        variables = loadmat(path)
    except Exception as error:  # scipy raises whatever its parser trips over
        raise LayoutError(
            f"a MATLAB file at {path}", f"one that cannot be read ({error})", source, paths=[path]
        ) from error
    if variable not in variables:
        known = sorted(name for name in variables if not name.startswith("__"))
        raise LayoutError(f"variable {variable} in {path}", f"{known}", source, paths=[path])
    values = np.asarray(variables[variable])
    if values.ndim != 2 or values.dtype.kind not in "iuf" or (values != np.round(values)).any():
        raise LayoutError(
            f"a table of whole numbers in variable {variable} of {path}",
            f"{values.dtype} of shape {values.shape}",
            source,
            paths=[path],
        )
    return values.astype(np.int64)


def write_mat(path: Path, variables: Mapping[str, NDArray[np.generic]]) -> None:
    """Write variables, the same bytes for the same values: the text at the start has no date."""
    savemat(str(path), dict(variables))
    with path.open("r+b") as file:
        file.write(b"MATLAB 5.0 MAT-file, made-up people".ljust(_TEXT_BYTES))
