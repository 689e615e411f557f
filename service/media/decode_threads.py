"""How many tracklets are decoded at a time where the settings leave it open."""

_MOST = 8
"""More would wait for the interpreter's lock, which they need between two frames."""
_CORES_OF_ONE = 4
"""A model that runs on the cores needs them: one frame costs it many times its decoding."""


def suitable_threads(cores: int, *, cores_are_free: bool) -> int:
    """Threads of the decoder, 1 to 8.

    Args:
        cores: That this process may use.
        cores_are_free: Whether the graph runs elsewhere, and decoding is what limits.
    """
    return max(1, min(_MOST, cores if cores_are_free else cores // _CORES_OF_ONE))
