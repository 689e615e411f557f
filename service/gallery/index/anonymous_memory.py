"""Arrays whose bytes are gone when they are.

What the allocator of the process frees stays readable in it until it is used again: an embedding
that must be forgotten would still be found in a dump of the process.
"""

import math
import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Scalar = TypeVar("Scalar", bound=np.generic)

_LEAST_HUGE_BYTES = 2**22
"""From here on large pages are asked for: to enter a page for the first time costs microseconds."""


def zeros(shape: tuple[int, ...], kind: type[Scalar]) -> NDArray[Scalar]:
    """An array of zeros in memory of its own, which goes back to the system with the array.

    A page of it takes memory once it has been written.
    """
    values = math.prod(shape)
    memory = mmap.mmap(-1, max(1, values * np.dtype(kind).itemsize))
    if len(memory) >= _LEAST_HUGE_BYTES and hasattr(mmap, "MADV_HUGEPAGE"):
        memory.madvise(mmap.MADV_HUGEPAGE)
    return np.frombuffer(memory, kind, count=values).reshape(shape)


@contextmanager
def wiped(shape: tuple[int, ...], kind: type[Scalar]) -> Iterator[NDArray[Scalar]]:
    """An array for copies of embeddings, overwritten in the end."""
    array = np.empty(shape, kind)
    try:
        yield array
    finally:
        array.fill(0)
