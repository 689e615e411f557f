"""Arrays beside a manifest, read as what they must be."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.manifest import ArtifactError


def stored_array(
    path: Path, *, dtype: type[np.generic], shape: Sequence[int | None]
) -> NDArray[np.generic]:
    """The finite array in an `.npy` file; none in `shape` stands for any size of 1 or more.

    Raises:
        ArtifactError: When it is another array, or none.
    """
    try:
        # A header may claim more than there is, or than fits into memory.
        values = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise ArtifactError(
            f"expected an array in {path.name!r}, received: {error}; export the artifact again"
        ) from error
    if not isinstance(values, np.ndarray):
        raise ArtifactError(
            f"expected one array in {path.name!r}, received an archive; export the artifact again"
        )
    if values.dtype != dtype or not _fits(values.shape, shape):
        wanted = ", ".join("any" if size is None else str(size) for size in shape)
        raise ArtifactError(
            f"expected {path.name!r} to be {np.dtype(dtype)} [{wanted}], received {values.dtype} "
            f"{list(values.shape)}; export the artifact again"
        )
    if not np.isfinite(values).all():
        raise ArtifactError(
            f"expected finite numbers in {path.name!r}, received NaN or infinity; "
            "export the artifact again"
        )
    return np.array(values)


def _fits(received: Sequence[int], expected: Sequence[int | None]) -> bool:
    return len(received) == len(expected) and all(
        one >= 1 if other is None else one == other
        for one, other in zip(received, expected, strict=True)
    )
