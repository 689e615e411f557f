"""Arrays in memory of their own, which goes back to the system, bytes and all, when they are gone.

What the allocator of the process frees stays readable in it until it is used again: an embedding
that must be forgotten would still be found in a dump of the process.
"""

import math
import mmap
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Scalar = TypeVar("Scalar", bound=np.generic)


def zeros(shape: tuple[int, ...], kind: type[Scalar]) -> NDArray[Scalar]:
    """An array of zeros; a page of it takes memory once it has been written."""
    values = math.prod(shape)
    memory = mmap.mmap(-1, max(1, values * np.dtype(kind).itemsize))
    return np.frombuffer(memory, kind, count=values).reshape(shape)
