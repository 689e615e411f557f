"""Embeddings computed elsewhere: an .npz of arrays with one row per tracklet.

`embeddings` [n, d], `identities` [n] (-1 junk, 0 distractor, people from 1) and `cameras` [n] (-1
or NaN where unknown) are required; `names` [n] and `outfits` [n] are optional. Without names every
row is a tracklet of its own, and a query never meets itself in the gallery.
"""

import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from training.evaluation.embedding_table import EmbeddingTable

REQUIRED = ("embeddings", "identities", "cameras")
OPTIONAL = ("names", "outfits")

Arrays = Mapping[str, NDArray[np.generic]]


@dataclass(frozen=True, eq=False)
class EmbeddingFile:
    """What a file holds.

    Attributes:
        table: Its tracklets, embeddings L2-normalised.
        normalized_here: How many embeddings were not of length 1 in the file.
        named: Whether the file names its tracklets.
    """

    table: EmbeddingTable
    normalized_here: int
    named: bool


def read_embedding_file(path: Path, *, prefix: str) -> EmbeddingFile:
    """Read an .npz; tracklets without names are called `prefix` and their row.

    Raises:
        ValueError: When the file cannot be read, an array is missing, of another length or of the
            wrong kind, or an embedding is zero or not finite.
    """
    arrays = _read(path)
    _require_arrays(path, arrays)
    embeddings, normalized_here = _normalized(path, arrays["embeddings"])
    rows = len(embeddings)
    table = EmbeddingTable(
        names=_texts(path, "names", arrays, [f"{prefix}{row}" for row in range(rows)]),
        identities=_whole_numbers(path, "identities", arrays),
        cameras=_cameras(path, arrays),
        outfits=_texts(path, "outfits", arrays, [""] * rows),
        embeddings=embeddings,
    )
    return EmbeddingFile(table, normalized_here, named="names" in arrays)


def _read(path: Path) -> Arrays:
    if not path.is_file():
        raise ValueError(
            f"expected an .npz at {path}, received no file; write one with numpy.savez"
        )
    try:
        with path.open("rb") as file:
            if not zipfile.is_zipfile(file):
                raise ValueError(
                    f"expected an .npz at {path}, received a file of another kind; "
                    "write one with numpy.savez"
                )
            file.seek(0)
            return _arrays(path, file)
    except OSError as error:
        raise _unreadable(path, error) from error


def _arrays(path: Path, file: IO[bytes]) -> Arrays:
    """The arrays that are known; MemoryError comes of a header that promises too much."""
    try:
        with np.load(file, allow_pickle=False) as opened:
            arrays = {name: opened[name] for name in opened.files if name in REQUIRED + OPTIONAL}
    except (ValueError, EOFError, MemoryError, zipfile.BadZipFile, zlib.error) as error:
        if "Object arrays" in str(error):
            raise ValueError(
                f"expected arrays of numbers and text, received Python objects in {path}, which "
                "could run code when read; convert them, for example with "
                "numpy.array(names, dtype=str)"
            ) from error
        raise _unreadable(path, error) from error
    for name, array in arrays.items():
        # NumPy hands out the bytes of a member that is no array.
        if not isinstance(array, np.ndarray):
            raise _unreadable(path, f"{name} is no array")
    return arrays


def _unreadable(path: Path, why: object) -> ValueError:
    return ValueError(
        f"expected an .npz at {path}, received one that cannot be read ({why}); "
        "write it again with numpy.savez"
    )


def _require_arrays(path: Path, arrays: Arrays) -> None:
    missing = [name for name in REQUIRED if name not in arrays]
    if missing:
        raise ValueError(
            f"expected the arrays {', '.join(REQUIRED)}, received a file without "
            f"{', '.join(missing)}: {path}; write one row per tracklet"
        )
    if arrays["embeddings"].ndim != 2:
        raise ValueError(
            f"expected embeddings [n, d], received shape {arrays['embeddings'].shape} in {path}; "
            "write one row per tracklet"
        )
    lengths = {name: array.shape[:1] or (0,) for name, array in arrays.items()}
    flat = all(array.ndim == 1 for name, array in arrays.items() if name != "embeddings")
    if len(set(lengths.values())) != 1 or not flat:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise ValueError(
            f"expected one row per tracklet in every array, received {shapes} in {path}; arrays "
            "that are out of step would compare the wrong people"
        )


def _normalized(path: Path, embeddings: NDArray[np.generic]) -> tuple[NDArray[np.float32], int]:
    if embeddings.dtype.kind not in "fiu":
        raise ValueError(
            f"expected embeddings of numbers, received {embeddings.dtype} in {path}; "
            "convert them to float32"
        )
    # Summed and divided in float64, so that rounding to float32 is all that a row suffers.
    rows = embeddings.astype(np.float64)
    exponents = _scale(rows)
    lengths = np.sqrt(np.einsum("nd,nd->n", rows, rows))
    wrong = np.flatnonzero(~np.isfinite(lengths) | (lengths == 0))
    if len(wrong):
        raise ValueError(
            f"expected finite embeddings other than zero, received length {lengths[wrong[0]]} in "
            f"row {wrong[0]} of {path} and {len(wrong) - 1} more; leave these tracklets out or "
            "embed them again"
        )
    rows /= lengths[:, None]
    given = lengths * np.exp2(exponents)
    return rows.astype(np.float32), int(np.sum(np.abs(given - 1) > 1e-3))


def _scale(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide each row [n, d] by a power of two, so that no square overflows or vanishes.

    The exponents are returned. Rows that are zero or not finite stay as they are.
    """
    largest = np.maximum(rows.max(axis=1, initial=0.0), -rows.min(axis=1, initial=0.0))
    exponents = np.frexp(np.where(np.isfinite(largest), largest, 1.0))[1].astype(np.float64)
    # In two steps: a power of a number next to zero is beyond float64.
    rows /= np.exp2(np.floor(exponents / 2))[:, None]
    rows /= np.exp2(np.ceil(exponents / 2))[:, None]
    return exponents


def _numbers(path: Path, name: str, arrays: Arrays) -> NDArray[np.generic]:
    array = arrays[name]
    if array.dtype.kind not in "fiu":
        raise ValueError(
            f"expected {name} as numbers, received {array.dtype} in {path}; number them from 1"
        )
    return array


def _whole_numbers(path: Path, name: str, arrays: Arrays) -> NDArray[np.int64]:
    array = _numbers(path, name, arrays)
    with np.errstate(invalid="ignore"):
        whole = array.astype(np.int64)
    if not (np.isfinite(array) & (whole == array)).all():
        raise ValueError(
            f"expected {name} as whole numbers, received others in {path}; number them from 1"
        )
    return whole


def _cameras(path: Path, arrays: Arrays) -> NDArray[np.float64]:
    cameras = _numbers(path, "cameras", arrays).astype(np.float64)
    wrong = cameras[~np.isnan(cameras) & ~(np.isfinite(cameras) & (np.rint(cameras) == cameras))]
    if len(wrong):
        raise ValueError(
            f"expected cameras as whole numbers, -1 or NaN where unknown, received {wrong[0]} in "
            f"{path}; number them from 0"
        )
    return np.where(cameras == -1, np.nan, cameras)


def _texts(path: Path, name: str, arrays: Arrays, otherwise: list[str]) -> NDArray[np.str_]:
    array = arrays.get(name)
    if array is None:
        return np.array(otherwise, dtype=np.str_)
    if array.dtype.kind not in "Uiu":
        raise ValueError(
            f"expected {name} as text, received {array.dtype} in {path}; "
            "write numpy.array(values, dtype=str)"
        )
    return array.astype(np.str_)
