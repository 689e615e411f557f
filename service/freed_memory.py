"""Overwrites what the process frees, so that no dump of it shows what was meant to be forgotten.

The index keeps embeddings in memory of its own, which an erasure overwrites. Rows on their way
there pass through the allocator: bodies of requests, bytes from the store, arrays of a search. What
was freed would stay readable until it is used again.
"""

import ctypes

_M_PERTURB = -6
"""Of mallopt(3): free overwrites with this byte, and malloc with its complement."""
_FILL = 0x5A


def overwrite_freed_memory() -> bool:
    """Overwrite every block from now on when it is freed; False where the C library cannot."""
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    return set_option is not None and bool(set_option(_M_PERTURB, _FILL))
