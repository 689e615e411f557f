"""How long fault tests go on: briefly in `make test`, for long in `make faults`."""

import os
from typing import TypeVar

T = TypeVar("T")

LONG = os.environ.get("FAULTS") == "long"


def rounds(short: T, long: T) -> T:
    """The one of the two that this run is for."""
    return long if LONG else short
