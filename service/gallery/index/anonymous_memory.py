"""Arrays in memory of their own, which goes back to the system, bytes and all, when they are gone.

What the allocator of the process frees stays readable in it until it is used again: an embedding
that must be forgotten would still be found in a dump of the process.
"""

import math
import mmap

import numpy as np
from numpy.typing import DTypeLike, NDArray


def zeros(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[np.generic]:
    """An array of zeros; a page of it takes memory once it has been written."""
    kind = np.dtype(dtype)
    values = math.prod(shape)
    memory = mmap.mmap(-1, max(1, values * kind.itemsize))
    array: NDArray[np.generic] = np.frombuffer(memory, kind, count=values).reshape(shape)
    return array
